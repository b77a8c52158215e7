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

}  // namespace

void runOwnProgram(kj::StringPtr program, kj::ArrayPtr<const kj::String> words,
                   const OwnStreams& streams, int64_t limitNs) {
  if (program.size() == 0) {
    support::fail(Kind::UNSUPPORTED, "the agent does not know its own program");
  }
  kj::Vector<kj::String> argv;
  argv.add(kj::str(program));
  for (auto& word : words) argv.add(kj::str(word));
  auto arguments = argv.releaseAsArray();
  kj::String environment[] = {kj::str("LC_ALL=C")};
  SpawnOptions options;
  options.argv = arguments;
  options.environment = environment;
  options.input = streams.input;
  options.output = streams.output;
  options.errors = streams.errors;
  auto started = launchProgram(options);
  KJ_IF_MAYBE (failure, started.tryGet<SpawnFailure>()) {
    support::failErrno(failure->errorNumber, "start ", program);
  }
  auto launch = kj::mv(started.get<kj::Own<Launch>>());
  auto pidfd = launch->takePidfd();
  kj::Maybe<ExitReport> ended;
  bool hasEnded = lookUntil(limitNs, [&]() {
    ended = reapChild(pidfd);
    return ended != nullptr;
  });
  if (!hasEnded) {
    signalChild(pidfd, SIGKILL);
    lookUntil(kEndMaxNs, [&]() { return reapChild(pidfd) != nullptr; });
    support::fail(Kind::SYSTEM, program, " ", words[0], " does not end");
  }
  auto& report = KJ_ASSERT_NONNULL(ended);
  if (!report.taken && !report.signalled && report.value == 0) return;
  support::fail(Kind::SYSTEM, program, " ", words[0], " ended with ",
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
