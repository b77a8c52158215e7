#include "nodeagent/netfault/own_process.h"

#include <signal.h>

#include <kj/debug.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/os/look_until.h"
#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/process.h"
#include "nodeagent/os/spawn.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kEndMaxNs = 5'000'000'000;

struct Started {
  kj::Own<Launch> launch;
  kj::AutoCloseFd pidfd;
};

Started start(const OwnProgram& own) {
  if (own.program.size() == 0) {
    support::fail(Kind::UNSUPPORTED, "the agent does not know its own program");
  }
  kj::Vector<kj::String> argv;
  argv.add(kj::str(own.program));
  for (auto& word : own.words) argv.add(kj::str(word));
  auto arguments = argv.releaseAsArray();
  kj::String environment[] = {kj::str("LC_ALL=C")};
  SpawnOptions options;
  options.argv = arguments;
  options.environment = environment;
  options.input = own.input;
  options.output = own.output;
  options.errors = own.errors;
  KJ_IF_MAYBE (score, own.oomScore) {
    options.oomScore = *score;
    // Otherwise it would have the keeper's score for a moment.
    options.memory = SpawnOptions::Memory::kOwn;
  }
  auto started = launchProgram(options);
  KJ_IF_MAYBE (failure, started.tryGet<SpawnFailure>()) {
    support::failErrno(failure->errorNumber, "start ", own.program);
  }
  auto launch = kj::mv(started.get<kj::Own<Launch>>());
  auto pidfd = launch->takePidfd();
  return {kj::mv(launch), kj::mv(pidfd)};
}

void killChild(int pidfd) {
  signalChild(pidfd, SIGKILL);
  lookUntil(kEndMaxNs, [&]() { return reapChild(pidfd) != nullptr; });
}

}  // namespace

ProcessRef startOwnProgram(const OwnProgram& own, kj::StringPtr name, int64_t limitNs) {
  Started started = start(own);
  kj::Maybe<SpawnFailure> failure;
  bool isRunning = lookUntil(limitNs, [&]() {
    KJ_IF_MAYBE (outcome, started.launch->outcome()) {
      failure = kj::mv(*outcome);
      return true;
    }
    return false;
  });
  KJ_IF_MAYBE (reason, failure) {
    reapChild(started.pidfd);
    support::failErrno(reason->errorNumber, "start ", own.program);
  }
  auto info = readProcess(started.launch->pid());
  KJ_IF_MAYBE (process, info) {
    if (isRunning) return {process->pid, process->startTicks, kj::str(name)};
  }
  killChild(started.pidfd);
  support::fail(Kind::SYSTEM, own.program, " ", kj::strArray(own.words, " "), " did not start");
}

void runOwnProgram(const OwnProgram& own, int64_t limitNs) {
  Started started = start(own);
  kj::Maybe<ExitReport> ended;
  bool hasEnded = lookUntil(limitNs, [&]() {
    ended = reapChild(started.pidfd);
    return ended != nullptr;
  });
  if (!hasEnded) {
    killChild(started.pidfd);
    support::fail(Kind::SYSTEM, own.program, " ", own.words[0], " does not end");
  }
  auto& report = KJ_ASSERT_NONNULL(ended);
  if (!report.taken && !report.signalled && report.value == 0) return;
  support::fail(Kind::SYSTEM, own.program, " ", own.words[0], " ended with ",
                report.signalled ? "signal " : "status ", report.value);
}

bool lives(const ProcessRef& process) {
  auto info = readProcess(process.pid);
  KJ_IF_MAYBE (found, info) return found->startTicks == process.startTicks && !found->hasEnded;
  return false;
}

void killOwnProcess(const ProcessRef& process) {
  kj::AutoCloseFd pidfd = openProcess(process);
  if (pidfd.get() < 0) return;
  signalChild(pidfd, SIGKILL);
  // One that another keeper has started is not ours to reap.
  bool isGone =
      lookUntil(kEndMaxNs, [&]() { return reapChild(pidfd) != nullptr && !lives(process); });
  if (isGone) return;
  support::fail(Kind::SYSTEM, "process ", process.pid, " was killed, and has not ended");
}

}  // namespace nodeagent::netfault
