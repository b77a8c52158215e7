#include "harness/runner/held_nodes.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "harness/os/error.h"
#include "harness/os/signals.h"
#include "harness/run/nodes_making.h"
#include "harness/run/program_variables.h"
#include "harness/runner/program_run.h"

namespace harness::runner {
namespace {

// Making nodes has bounds of its own, which are shorter.
constexpr std::chrono::minutes kMakeMax{5};
constexpr std::chrono::seconds kRemoveMax{60};
constexpr std::chrono::milliseconds kLookEvery{50};
constexpr std::string_view kAnswer = "cluster ";

// What a program says beyond this is not shown.
constexpr size_t kSaidBytesMax = 64 << 10;
constexpr std::string_view kOwnName = "muster: ";

// Appends what is there to be read. Returns false at the end.
bool appendRead(int fd, std::string& text) {
  char buffer[4096];
  ssize_t count = ::read(fd, buffer, sizeof buffer);
  if (count > 0) text.append(buffer, static_cast<size_t>(count));
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

HeldNodes::HeldNodes(HeldNodesStart held)
    : start_(std::move(held)), stageBegin_(std::chrono::steady_clock::now()) {
  Pipe input = makePipe();
  Pipe output = makePipe();
  Pipe errors = makePipe();
  // It ends with its input. A signal that the terminal sends to us is none for it.
  SpawnOptions start;
  start.session = Session::kOwn;
  // The runner takes signals over for its programs, and what it has blocked is none of the nodes'.
  start.blocked = signalSet({});
  start.argv = {start_.program, run::kHoldNodesArgument};
  start.argv.insert(start.argv.end(), start_.arguments.begin(), start_.arguments.end());
  start_.environment[run::kMakingVariable] = start_.makingFile;
  start.environment = environmentWith(start_.environment);
  start.input = input.readEnd.get();
  start.output = output.writeEnd.get();
  start.errors = errors.writeEnd.get();
  child_ = spawn(start);
  input_ = std::move(input.writeEnd);
  output_ = std::move(output.readEnd);
  errors_ = std::move(errors.readEnd);
  output.writeEnd.reset();
  errors.writeEnd.reset();
  // It is also read where poll() has not said that something is there.
  ::fcntl(errors_.get(), F_SETFL, O_NONBLOCK);
  Deadline end = after(kMakeMax);
  while (output_ && turn(end)) {
  }
  output_.reset();
  readErrors();
  takeLines();
  stage_ = Stage::kUp;
  start_.look(*this);
}

HeldNodes::~HeldNodes() {
  stage_ = Stage::kRemoving;
  stageBegin_ = std::chrono::steady_clock::now();
  input_.reset();
  Deadline end = after(kRemoveMax);
  while (!child_.awaitEnd(std::chrono::steady_clock::now()) && turn(end)) {
  }
  child_.endBy(std::chrono::steady_clock::now());
  readErrors();
  if (!said_.empty() && said_.back() != '\n') said_ += '\n';
  takeLines();
  // A program that was killed leaves it.
  ::unlink(start_.makingFile.c_str());
  stage_ = Stage::kGone;
  start_.look(*this);
}

bool HeldNodes::turn(Deadline end) {
  Deadline next = std::min(end, after(kLookEvery));
  pollfd watched[] = {{output_.get(), POLLIN, 0},
                      {errors_.get(), POLLIN, 0},
                      {stage_ == Stage::kRemoving ? child_.handle() : -1, POLLIN, 0}};
  if (::poll(watched, std::size(watched), millisecondsUntil(next)) > 0) {
    if (watched[0].revents != 0) readAnswer();
    if (watched[1].revents != 0) readErrors();
  }
  takeLines();
  return start_.look(*this) && std::chrono::steady_clock::now() < end;
}

// Takes the first line that begins with kAnswer, without that. What is behind it is nobody's.
void HeldNodes::readAnswer() {
  bool isOver = !appendRead(output_.get(), answer_);
  size_t begin = answer_.rfind('\n' + std::string(kAnswer));
  begin = answer_.starts_with(kAnswer) ? 0 : begin == std::string::npos ? begin : begin + 1;
  size_t newline = begin == std::string::npos ? begin : answer_.find('\n', begin);
  if (newline != std::string::npos) {
    begin += kAnswer.size();
    cluster_ = answer_.substr(begin, newline - begin);
    isOver = true;
  }
  if (isOver) output_.reset();
}

void HeldNodes::readErrors() {
  if (errors_ && !appendRead(errors_.get(), said_)) errors_.reset();
}

void HeldNodes::takeLines() {
  for (size_t end; (end = said_.find('\n')) != std::string::npos; said_.erase(0, end + 1)) {
    std::string line = said_.substr(0, end);
    if (line.starts_with(kOwnName)) line.erase(0, kOwnName.size());
    start_.said(line);
  }
  if (said_.size() > kSaidBytesMax) said_.clear();
}

RunningNow HeldNodes::now() const {
  auto time = std::chrono::steady_clock::now();
  RunningNow now{.pid = child_.pid(), .workElapsed = time - stageBegin_};
  if (stage_ == Stage::kUp || stage_ == Stage::kGone) return now;
  if (stage_ == Stage::kRemoving) {
    now.work = "removing " + (cluster_.empty() ? "nodes" : "cluster " + cluster_);
  } else if (auto making = run::readMaking(start_.makingFile)) {
    now.work = makingText(*making);
    now.workElapsed = time - making->begin;
  } else {
    now.work = "making nodes";
  }
  return now;
}

}  // namespace harness::runner
