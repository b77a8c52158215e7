#include "nodeagent/keeper/front_supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/vector.h>

#include "nodeagent/link/supervision.h"
#include "nodeagent/os/environment.h"
#include "nodeagent/os/pidfd.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

constexpr kj::Duration kDelayMin = 50 * kj::MILLISECONDS;
constexpr kj::Duration kDelayMax = 2 * kj::SECONDS;
// A front that ran for this time is replaced after the shortest delay.
constexpr kj::Duration kStable = 10 * kj::SECONDS;
constexpr kj::Duration kAnswerLimit = 5 * kj::SECONDS;
constexpr kj::Duration kStopLimit = 1 * kj::SECONDS;
constexpr size_t kLineBytesMax = 64 << 10;

kj::String workingDirectory() {
  char buffer[4096];
  return kj::str(getcwd(buffer, sizeof buffer) == nullptr ? "/" : buffer);
}

}  // namespace

FrontSupervisor::FrontSupervisor(kj::AsyncIoContext& io, std::string program,
                                 std::vector<std::string> arguments)
    : io_(io),
      program_(std::move(program)),
      arguments_(std::move(arguments)),
      started_(io.provider->getTimer().now()) {
  auto paf = kj::newPromiseAndFulfiller<std::string>();
  listening_ = kj::mv(paf.fulfiller);
  whenListening_ = kj::mv(paf.promise);
}

FrontSupervisor::~FrontSupervisor() noexcept(false) {
  signal(SIGKILL);
}

kj::Promise<std::string> FrontSupervisor::whenListening() {
  return kj::mv(whenListening_);
}

void FrontSupervisor::signal(int number) {
  KJ_IF_MAYBE (child, child_) {
    signalChild((*child)->pidfd, number);
  }
}

kj::Promise<kj::Maybe<kj::String>> FrontSupervisor::handOver(Handover handover) {
  KJ_IF_MAYBE (child, child_) {
    auto answered = nodeagent::handOver(*(*child)->control, kj::mv(handover));
    auto late =
        io_.provider->getTimer().afterDelay(kAnswerLimit).then([]() -> kj::Maybe<kj::String> {
          support::fail(wire::Error::Kind::TIMEOUT, "the front did not answer within ",
                        kAnswerLimit / kj::SECONDS, " s");
        });
    return answered.exclusiveJoin(kj::mv(late));
  }
  return kj::Maybe<kj::String>();
}

kj::Promise<void> FrontSupervisor::stop() {
  KJ_IF_MAYBE (child, child_) {
    signal(SIGTERM);
    // The observer of the cancelled run() may have consumed the event already, so a new one is
    // made.
    auto& present = **child;
    present.exit = nullptr;
    present.exit = observeExit(present.pidfd);
    auto late = io_.provider->getTimer().afterDelay(kStopLimit);
    return present.exit->whenBecomesReadable().exclusiveJoin(kj::mv(late)).then([this]() {
      signal(SIGKILL);
      child_ = nullptr;
    });
  }
  return kj::READY_NOW;
}

kj::Own<kj::UnixEventPort::FdObserver> FrontSupervisor::observeExit(int pidfd) {
  return kj::heap<kj::UnixEventPort::FdObserver>(io_.unixEventPort, pidfd,
                                                 kj::UnixEventPort::FdObserver::OBSERVE_READ);
}

kj::Promise<void> FrontSupervisor::run() {
  return kj::evalNow([this]() { return start(); }).then([this]() { return run(); });
}

// Follows one front from its start to the moment at which the next is due:
// 1. It gets a pipe for its one line of output, and a socket as standard input for credentials,
// which only keeper and front have.
// 2. readLine() waits for the line, by which the front says that it listens.
// 3. watch() waits for its end and reaps it.
// 4. ended() waits before the next start.
kj::Promise<void> FrontSupervisor::start() {
  int ends[2];
  KJ_SYSCALL(pipe2(ends, O_CLOEXEC));
  kj::AutoCloseFd readEnd(ends[0]);
  kj::AutoCloseFd writeEnd(ends[1]);
  int control[2];
  KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, control));
  kj::AutoCloseFd ourControl(control[0]);
  kj::AutoCloseFd frontControl(control[1]);
  kj::Vector<kj::String> argv;
  argv.add(kj::str(program_.c_str()));
  for (const std::string& argument : arguments_) argv.add(kj::str(argument.c_str()));
  auto environment = environmentWith(kj::str(kSupervisorVariable, "=", getpid()));
  auto directory = workingDirectory();
  SpawnOptions options;
  options.argv = argv;
  options.environment = environment;
  options.directory = directory;
  options.input = frontControl;
  options.output = writeEnd;
  options.errors = STDERR_FILENO;
  started_ = io_.provider->getTimer().now();
  auto launched = launchProgram(options);
  KJ_SWITCH_ONEOF(launched) {
    KJ_CASE_ONEOF(failure, SpawnFailure) {
      support::failErrno(failure.errorNumber, "start the front");
    }
    KJ_CASE_ONEOF(launch, kj::Own<Launch>) {
      auto child = kj::heap<Child>();
      child->pidfd = launch->takePidfd();
      child->launch = kj::mv(launch);
      child->exit = observeExit(child->pidfd);
      child->output = io_.lowLevelProvider->wrapInputFd(kj::mv(readEnd));
      child->control = io_.lowLevelProvider->wrapUnixSocketFd(kj::mv(ourControl));
      child_ = kj::mv(child);
      auto& present = *KJ_ASSERT_NONNULL(child_);
      present.reading = readLine().eagerlyEvaluate([](kj::Exception&&) {});
    }
  }
  return watch();
}

// Reads until the first line is whole, and ignores later output.
kj::Promise<void> FrontSupervisor::readLine() {
  Child& child = *KJ_ASSERT_NONNULL(child_);
  return child.output->tryRead(child.buffer, 1, sizeof child.buffer)
      .then([this, &child](size_t count) -> kj::Promise<void> {
        child.line.append(child.buffer, count);
        size_t newline = child.line.find('\n');
        if (newline == std::string::npos) {
          if (count == 0 || child.line.size() > kLineBytesMax) return kj::READY_NOW;
          return readLine();
        }
        listened_ = true;
        if (listening_->isWaiting()) listening_->fulfill(child.line.substr(0, newline));
        return kj::READY_NOW;
      });
}

kj::Promise<void> FrontSupervisor::watch() {
  Child& child = *KJ_ASSERT_NONNULL(child_);
  KJ_IF_MAYBE (report, reapChild(child.pidfd)) {
    bool signalled = report->signalled;
    int value = report->value;
    // Its line may still be in the pipe. It decides whether this front had listened, so it is read
    // before the end is judged.
    return kj::mv(child.reading).then([this, signalled, value]() {
      child_ = nullptr;
      if (!listened_) {
        exitStatus_ = signalled || value == 0 ? 70 : value;
        support::fail(wire::Error::Kind::SYSTEM, "the front ended before it listened, by ",
                      signalled ? "signal " : "exit status ", value);
      }
      support::log(support::Level::kWarn, "the front ended; starting another",
                   {{signalled ? "signal" : "status", value}});
      return ended();
    });
  }
  return child.exit->whenBecomesReadable().then([this]() { return watch(); });
}

// Waits before the next start. The delay doubles with each front that did not run for kStable, so
// that one that fails at once does not keep the node busy.
kj::Promise<void> FrontSupervisor::ended() {
  auto& timer = io_.provider->getTimer();
  if (timer.now() - started_ >= kStable) failures_ = 0;
  kj::Duration delay = kDelayMin;
  for (int i = 0; i < failures_ && delay < kDelayMax; ++i) delay = delay * 2;
  ++failures_;
  return timer.afterDelay(kj::min(delay, kDelayMax));
}

}  // namespace nodeagent
