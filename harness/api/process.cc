#include <algorithm>
#include <iostream>
#include <ostream>

#include <muster/deadline.h>
#include <muster/node_error.h>
#include <muster/process.h>

#include "harness/api/call_site.h"
#include "harness/api/request.h"
#include "harness/rpc/job/jobs.h"
#include "harness/values/failure_text.h"

namespace muster {
namespace {

using harness::at;
using harness::PullUntil;

// The time, beyond its grace, for a command that is ended by the destruction of its Process.
constexpr std::chrono::seconds kDestructorMargin{1};

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

[[noreturn]] void failTimeout(const harness::rpc::Job& job, const std::string& verb,
                              const std::string& detail) {
  throw NodeError(NodeError::Kind::kTimeout, job.node(),
                  verb + " " + harness::argvText(job.request().argv),
                  detail + "; " + harness::wroteText(job.result()));
}

// Fails if the command never ran: it has no output that could be read, and takes no input.
void requireStarted(const harness::rpc::Job& job, const std::string& verb) {
  const Outcome& outcome = job.result().outcome;
  if (!job.ended() || outcome.kind() != Outcome::Kind::kNotStarted) return;
  throw NodeError(NodeError::Kind::kSystem, job.node(),
                  verb + " " + harness::argvText(job.request().argv), toString(outcome),
                  outcome.errnoValue());
}

}  // namespace

Process::Process(std::unique_ptr<harness::rpc::Job> job) : job_(std::move(job)) {}

Process::~Process() {
  end();
}

Process::Process(Process&& other) noexcept = default;

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  end();
  job_ = std::move(other.job_);
  logPath_ = std::move(other.logPath_);
  isTold_ = other.isTold_;
  return *this;
}

void Process::end() noexcept {
  if (!job_) return;
  bool detached = job_->request().options.lifetime == CommandLifetime::kDetached;
  std::chrono::nanoseconds grace = job_->request().options.grace;
  if (!detached && !job_->ended() && job_->closed()) {
    std::cerr << "muster: node " << job_->node() << ": " << harness::argvText(job_->request().argv)
              << ": its Process lived longer than the test program's connections; the command "
                 "ended with the session (reset a static Process in TearDownTestSuite)\n";
    return;
  }
  try {
    if (!detached && !job_->ended()) {
      // The first cancel is in the background, which also serves a node that cannot be reached now.
      job_->cancelLater(grace);
      SteadyTime scopeEnd = std::max(DeadlineScope::current(), now()) + harness::kReportMargin;
      job_->pull(PullUntil::kEnded, std::min(now() + grace + kDestructorMargin, scopeEnd));
    } else if (!detached && job_->result().leftRunning > 0) {
      job_->cancelLater(std::chrono::nanoseconds(0));
    }
  } catch (const std::exception&) {
    // A destructor cannot report it; the node ends the command by its deadline or its session.
  }
  if (!isTold_) job_->endUnseen();
  job_->release();
}

Result Process::resultNow() {
  Result result = job_->result();
  isTold_ = isTold_ || job_->ended();
  result.logPath = logPath_;
  if (logPath_.empty()) harness::keepLog(result);
  if (!result.stillEnding) logPath_ = result.logPath;
  return result;
}

Result Process::wait(std::source_location where) {
  SteadyTime own = std::max(job_->deadlineAt(), now());
  SteadyTime until = std::min(DeadlineScope::current(), own) + harness::kReportMargin;
  return at(where, [&] {
    bool ended = job_->pull(PullUntil::kEnded, until);
    if (!ended && !job_->result().stillEnding) failTimeout(*job_, "wait for", "still running");
    return resultNow();
  });
}

Result Process::wait(std::chrono::nanoseconds within, std::source_location where) {
  SteadyTime until = harness::waitEnd(within);
  return at(where, [&] {
    if (!job_->pull(PullUntil::kEnded, until)) {
      failTimeout(*job_, "wait for", "still running after " + harness::waitText(within));
    }
    return resultNow();
  });
}

bool Process::running(std::source_location where) {
  at(where, [&] { job_->refresh(DeadlineScope::current()); });
  return !job_->ended();
}

void Process::signal(int number, SignalTarget target, std::source_location where) {
  at(where, [&] { job_->signal(number, target, DeadlineScope::current()); });
}

Result Process::cancel(std::source_location where) {
  at(where, [&] { job_->cancel(job_->request().options.grace, DeadlineScope::current()); });
  return wait(where);
}

Result Process::kill(std::source_location where) {
  at(where, [&] { job_->cancel(std::chrono::nanoseconds(0), DeadlineScope::current()); });
  return wait(where);
}

void Process::write(const std::string& bytes, std::source_location where) {
  at(where, [&] {
    requireStarted(*job_, "write to");
    job_->writeInput(bytes, DeadlineScope::current());
  });
}

void Process::closeInput(std::source_location where) {
  at(where, [&] { job_->closeInput(DeadlineScope::current()); });
}

std::string Process::output(std::source_location where) {
  at(where, [&] {
    job_->refresh(DeadlineScope::current());
    requireStarted(*job_, "read the output of");
  });
  return job_->result().out;
}

std::string Process::errors(std::source_location where) {
  at(where, [&] {
    job_->refresh(DeadlineScope::current());
    requireStarted(*job_, "read the errors of");
  });
  return job_->result().err;
}

std::optional<std::string> Process::readLine(std::chrono::nanoseconds within,
                                             std::source_location where) {
  return readLineUntil(harness::waitEnd(within), within, where);
}

std::optional<std::string> Process::readLineUntil(SteadyTime until, std::chrono::nanoseconds within,
                                                  std::source_location where) {
  // The offset in the whole output up to which there is no further newline: a long line is not
  // searched from its beginning again as it grows.
  uint64_t searchedTo = 0;
  return at(where, [&]() -> std::optional<std::string> {
    while (true) {
      requireStarted(*job_, "read a line of");
      const std::string& out = job_->result().out;
      size_t begin = job_->outRead();
      uint64_t heldFrom = job_->outHeldFrom();
      size_t end =
          out.find('\n', std::max<uint64_t>(begin, std::max(searchedTo, heldFrom) - heldFrom));
      bool last = end == std::string::npos && job_->ended();
      if (last && begin >= out.size()) return std::nullopt;
      if (last) end = out.size();
      if (end != std::string::npos) {
        std::string line = out.substr(begin, end - begin);
        job_->setOutRead(std::min(end + 1, out.size()));
        return line;
      }
      searchedTo = heldFrom + out.size();
      if (!job_->pull(PullUntil::kChange, until)) {
        failTimeout(*job_, "read a line of", "no line within " + harness::waitText(within));
      }
    }
  });
}

std::string Process::readUntil(const std::string& text, std::chrono::nanoseconds within,
                               std::source_location where) {
  SteadyTime until = harness::waitEnd(within);
  std::string verb = "read until " + harness::inQuotes(text) + " from";
  return at(where, [&]() -> std::string {
    while (true) {
      std::optional<std::string> line;
      try {
        line = readLineUntil(until, within, where);
      } catch (const NodeError& error) {
        if (error.kind() != NodeError::Kind::kTimeout) throw;
        failTimeout(*job_, verb, "not seen within " + harness::waitText(within));
      }
      if (!line) {
        throw NodeError(NodeError::Kind::kNotFound, node(), verb + " " + harness::argvText(argv()),
                        "the output ended: " + toString(job_->result().outcome) + "; " +
                            harness::wroteText(job_->result()));
      }
      if (line->find(text) != std::string::npos) return *line;
    }
  });
}

const Argv& Process::argv() const {
  return job_->request().argv;
}
const std::string& Process::node() const {
  return job_->node();
}
int Process::pid() const {
  return job_->result().pid;
}

void PrintTo(const Process& process, std::ostream* out) {
  *out << "node " << process.node() << ": pid " << process.pid() << " "
       << harness::argvText(process.argv());
}

}  // namespace muster
