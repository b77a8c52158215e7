#include "nodeagent/exec/own_job.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "nodeagent/exec/job_status.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;

kj::Array<Label> join(kj::ArrayPtr<const Label> session, kj::ArrayPtr<const Label> own) {
  kj::Vector<Label> labels;
  for (auto part : {session, own}) {
    for (auto& label : part) labels.add(Label{kj::str(label.name), kj::str(label.value)});
  }
  return labels.releaseAsArray();
}

// Output that comes within this time after the first process has ended is told with its end.
constexpr auto kLastOutputWait = 20 * kj::MILLISECONDS;

kj::String lastOf(const OutputStream* stream) {
  return stream == nullptr ? kj::String() : stream->lastBytes();
}

kj::StringPtr stopText(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      break;
    case StopReason::kDeadline:
      return ", because its deadline passed";
    case StopReason::kCancelled:
      return ", because the test ended it";
    case StopReason::kOutputLimit:
      return ", because it wrote too much";
    case StopReason::kSessionEnded:
      return ", because its session ended";
  }
  return "";
}

kj::String howEnded(const Job& job) {
  KJ_IF_MAYBE (failure, job.notStarted()) return kj::str("was not started: ", failure->text);
  auto& exit = job.exit();
  if (!exit.signalled) return kj::str("exited with status ", exit.value, stopText(job.reason()));
  const char* name = sigabbrev_np(exit.value);
  return kj::str("was killed by SIG", name == nullptr ? "?" : name, stopText(job.reason()));
}

// Returns the offset below which the caller has stored standard output. A caller that asks for
// ranges asks ahead of what it has, and says how much that is.
uint64_t storedTo(wire::Follow::Reader follow) {
  return follow.getBytesMin() > 0 ? follow.getOutputStoredTo() : follow.getOutputFrom();
}

}  // namespace

OwnJob::OwnJob(const JobContext& context, Owner& owner, Session& session, uint64_t processOwner,
               uint64_t number, JobSpec spec)
    : limits_(context.limits),
      timer_(context.timer),
      owner_(owner),
      session_(session.addRef()),
      commands_(context.commands),
      deaths_(context.deaths),
      sessionId_(session.id()),
      wholeSessionId_(session.whole().id()),
      identity_(kj::str(session.identity())),
      labels_(join(session.labels(), spec.labels)),
      job_(kj::refcounted<Job>(context, static_cast<Job::Listener&>(*this), processOwner, number,
                               kj::mv(spec))) {
  if (deaths_ != nullptr) notePlaces();
}

// Sanitizers of the command write where their options say, and the kernel where the process is.
void OwnJob::notePlaces() {
  const JobSpec& spec = job_->spec();
  deaths_->noteDirectory(spec.directory.size() == 0 ? "/" : spec.directory.cStr());
  for (auto& variable : spec.environment) {
    std::string_view value(variable.value.cStr(), variable.value.size());
    constexpr std::string_view kOption = "log_path=";
    size_t begin = value.find(kOption);
    bool isOfSanitizer = variable.name.endsWith("SAN_OPTIONS");
    if (!isOfSanitizer || begin == std::string_view::npos) continue;
    value.remove_prefix(begin + kOption.size());
    deaths_->noteReports(std::string(value.substr(0, value.find_first_of(": "))));
  }
}

// Reads no memory of the process, so that it waits for nothing.
void OwnJob::noteDirectory() {
  if (deaths_ == nullptr || job_->hasEnded() || job_->pid() == 0) return;
  char path[4096];
  ssize_t length = readlink(kj::str("/proc/", job_->pid(), "/cwd").cStr(), path, sizeof(path));
  if (length > 0) deaths_->noteDirectory(std::string(path, static_cast<size_t>(length)));
}

Death OwnJob::death(Death::Kind kind) const {
  Death result;
  result.kind = kind;
  result.session = wholeSessionId_;
  result.number = job_->number();
  result.pid = job_->pid();
  if (!shownArgv().empty()) result.program = shownArgv()[0];
  return result;
}

void OwnJob::noteReport(const OutputStream* stream) {
  if (stream == nullptr || stream->report().empty()) return;
  Death found = death(Death::Kind::kReport);
  found.text = stream->report();
  deaths_->add(std::move(found));
}

kj::String OwnJob::identify(Job& job) {
  if (commands_ == nullptr) return kj::String();
  return entry_.emplace(commands_->enter(*session_, job.number(), job.spec().shownArgv))->proof();
}

// Nothing is kept of output that was fetched, so what the last lines are is asked for while the job
// lives. A process that was killed has written them before, but the pipe may hold them still.
void OwnJob::exited(Job& job) {
  auto& exit = job.exit();
  bool wasOutOfMemory = job.memoryKill() == MemoryKill::kYes;
  if (deaths_ != nullptr && exit.signalled && (isCrashSignal(exit.value) || wasOutOfMemory)) {
    Death found = death(Death::Kind::kCommand);
    found.signal = exit.value;
    found.hasDumped = exit.coreDumped;
    found.wasOutOfMemory = wasOutOfMemory;
    found.isProvoked = (signalsSent_ >> exit.value & 1) != 0;
    deaths_->add(std::move(found));
  }
  KJ_IF_MAYBE (entry, entry_) {
    if (!(*entry)->command().isWatched()) return;
    telling_ =
        timer_.afterDelay(kLastOutputWait).then([this]() { tellEnd(); }).eagerlyEvaluate(nullptr);
  }
}

void OwnJob::ended(Job& job) {
  if (deaths_ != nullptr) {
    noteReport(job.output());
    noteReport(job.errors());
  }
  tellEnd();
  owner_.ended(*this);
}

void OwnJob::gone(Job& job) {
  uint64_t known = job.memoryKill() == MemoryKill::kYes ? 1 : 0;
  if (deaths_ != nullptr && job.memoryKills() > known) {
    Death found = death(Death::Kind::kMemory);
    found.pid = 0;
    found.signal = SIGKILL;
    found.wasOutOfMemory = true;
    found.text = std::to_string(job.memoryKills() - known) + " of its processes";
    deaths_->add(std::move(found));
  }
  entry_ = nullptr;
  owner_.gone(*this);
}

void OwnJob::tellEnd() {
  KJ_IF_MAYBE (entry, entry_) {
    Job& job = *job_;
    (*entry)->end({howEnded(job), lastOf(job.output()), lastOf(job.errors())});
  }
}

kj::Promise<void> OwnJob::follow(wire::Follow::Reader follow, kj::Own<ProgressAnswer> answer) {
  Job& job = *job_;
  auto wish = readFollow(follow, job, limits_);
  if (follow.getReleaseTo()) job.release(storedTo(follow), wish.errorsFrom);
  return job.waitFor(wish)
      .then([wish, &job, answer = kj::mv(answer)]() mutable -> kj::Promise<void> {
        auto reading = writeProgress(job, wish, answer->init(progressWords(job, wish)));
        KJ_IF_MAYBE (promise, reading) return promise->attach(kj::mv(answer));
        return kj::READY_NOW;
      })
      .attach(kj::addRef(job));
}

kj::Promise<uint64_t> OwnJob::writeInput(wire::Chunk::Reader chunk, AfterInput after) {
  if (support::crc32c(chunk.getData()) != chunk.getCrc32c()) {
    support::fail(Kind::CORRUPT, "chunk.crc32c: does not match the ", chunk.getData().size(),
                  " bytes at ", chunk.getOffset());
  }
  return job_->writeInput(chunk.getOffset(), kj::heapArray<kj::byte>(chunk.getData()), after);
}

// A child that dumps core by a signal to all is no crash either, so that all are noted first.
kj::Promise<void> OwnJob::signal(int number, wire::Jobs::Target target) {
  if (number > 0 && number < 64) signalsSent_ |= uint64_t{1} << number;
  auto send = [number, target, job = kj::addRef(*job_)]() mutable {
    return job->signal(number, target).then([number, jobNumber = job->number()](int result) {
      if (result != 0) support::failErrno(result, "send signal ", number, " to job ", jobNumber);
    });
  };
  if (deaths_ == nullptr || target != wire::Jobs::Target::ALL || !isCrashSignal(number)) {
    return send();
  }
  return job_->list()
      .then([number, &deaths = *deaths_](kj::Vector<pid_t>&& pids) {
        for (pid_t pid : pids) deaths.provoke(pid, number);
      })
      .then(kj::mv(send));
}

kj::Promise<void> OwnJob::cancel(int64_t graceNs) {
  noteDirectory();
  job_->stop(StopReason::kCancelled,
             graceNs < 0 ? job_->spec().graceNs : kj::min(graceNs, kGraceMaxNs));
  return kj::READY_NOW;
}

kj::Promise<void> OwnJob::resize(uint16_t columns, uint16_t rows) {
  job_->resize(columns, rows);
  return kj::READY_NOW;
}

void OwnJob::writeStatus(wire::JobView::Summary::Builder summary) {
  exec::writeStatus(*job_, summary.initStatus());
}

}  // namespace nodeagent::exec
