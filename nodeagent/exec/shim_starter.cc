#include "nodeagent/exec/shim_starter.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "nodeagent/os/environment.h"
#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/spawn.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

constexpr auto kShimStart = 10 * kj::SECONDS;
constexpr auto kPauseAfterFailure = 1 * kj::SECONDS;

using Observer = kj::UnixEventPort::FdObserver;

// Reads and drops bytes until the other end is closed.
kj::Promise<void> untilEndOfFile(int fd, Observer& observer) {
  char bytes[64];
  ssize_t count;
  do {
    count = read(fd, bytes, sizeof bytes);
  } while (count > 0 || (count < 0 && errno == EINTR));
  if (count == 0 || errno != EAGAIN) return kj::READY_NOW;
  return observer.whenBecomesReadable().then(
      [fd, &observer]() { return untilEndOfFile(fd, observer); });
}

struct Starting {
  kj::AutoCloseFd ready;
  kj::Own<Launch> launch;
  kj::Own<Observer> observer;
};

struct Ending {
  kj::AutoCloseFd pidfd;
  kj::Own<Observer> observer;
};

}  // namespace

kj::Promise<void> ShimStarter::start(kj::StringPtr directory) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) support::failErrno(errno, "make a pipe");
  auto starting = kj::heap<Starting>();
  starting->ready = kj::AutoCloseFd(ends[0]);
  kj::AutoCloseFd output(ends[1]);
  kj::AutoCloseFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null.get() < 0) support::failErrno(errno, "open /dev/null");
  auto argv = kj::arr(kj::str(context_.program), kj::str(kShimArgument), kj::str(directory));
  auto environment = ownEnvironment();
  SpawnOptions options;
  options.argv = argv;
  options.environment = environment;
  options.umask = 0077;
  options.input = null;
  options.output = output;
  options.errors = STDERR_FILENO;
  auto launched = launchProgram(options);
  if (launched.is<SpawnFailure>()) {
    int number = launched.get<SpawnFailure>().errorNumber;
    support::log(support::Level::kError, "a shim cannot be started",
                 {{"number", number}, {"reason", support::errnoText(number)}});
    return context_.timer.afterDelay(kPauseAfterFailure);
  }
  starting->launch = kj::mv(launched.get<kj::Own<Launch>>());
  reapers_.add(reap(starting->launch->takePidfd()));
  starting->observer = kj::heap<Observer>(context_.port, starting->ready, Observer::OBSERVE_READ);
  auto ready = untilEndOfFile(starting->ready, *starting->observer);
  // The caller looks for a shim that takes longer too.
  auto late = context_.timer.afterDelay(kShimStart);
  return ready.exclusiveJoin(kj::mv(late)).attach(kj::mv(starting));
}

kj::Promise<void> ShimStarter::reap(kj::AutoCloseFd pidfd) {
  auto ending = kj::heap<Ending>();
  ending->pidfd = kj::mv(pidfd);
  ending->observer = kj::heap<Observer>(context_.port, ending->pidfd, Observer::OBSERVE_READ);
  auto& child = *ending;
  return child.observer->whenBecomesReadable()
      .then([&child]() { reapChild(child.pidfd); })
      .attach(kj::mv(ending));
}

void ShimStarter::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a shim cannot be reaped",
               {{"exception", exception.getDescription()}});
}

}  // namespace nodeagent::exec
