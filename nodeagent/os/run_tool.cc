#include "nodeagent/os/run_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/spawn.h"

namespace nodeagent {
namespace {

constexpr size_t kOutputBytesMax = 64 * 1024;

int64_t nowMs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
}

// Reads until end of file, the limit, or the end of the time. Returns the rest of the time.
int drain(int fd, kj::Vector<char>& output, int waitMs) {
  int64_t endMs = nowMs() + waitMs;
  for (;;) {
    int leftMs = static_cast<int>(endMs - nowMs());
    if (leftMs <= 0) return 0;
    pollfd wait{fd, POLLIN, 0};
    if (poll(&wait, 1, leftMs) <= 0) continue;
    char buffer[4096];
    ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return leftMs;
    size_t capacity = kOutputBytesMax - output.size();
    output.addAll(buffer, buffer + kj::min(static_cast<size_t>(count), capacity));
  }
}

}  // namespace

kj::String runTool(std::initializer_list<kj::StringPtr> argv, int waitMs) {
  int pipeFds[2];
  if (pipe2(pipeFds, O_CLOEXEC) < 0) return kj::String();
  kj::AutoCloseFd readEnd(pipeFds[0]);
  kj::AutoCloseFd writeEnd(pipeFds[1]);
  kj::AutoCloseFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.get() < 0) return kj::String();

  kj::Vector<kj::String> words;
  for (auto word : argv) words.add(kj::str(word));
  kj::String environment[] = {
      kj::str("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
      kj::str("LC_ALL=C")};
  SpawnOptions options;
  options.argv = words.asPtr();
  options.environment = environment;
  options.input = null;
  options.output = writeEnd;
  options.errors = null;
  auto started = launchProgram(options);
  if (!started.is<kj::Own<Launch>>()) return kj::String();
  auto launch = kj::mv(started.get<kj::Own<Launch>>());
  auto pidfd = launch->takePidfd();
  writeEnd = nullptr;

  kj::Vector<char> output;
  int leftMs = drain(readEnd, output, waitMs);
  pollfd ended{pidfd, POLLIN, 0};
  if (poll(&ended, 1, leftMs) <= 0) {
    signalChild(pidfd, SIGKILL);
    poll(&ended, 1, 1000);
  }
  KJ_IF_MAYBE (exit, reapChild(pidfd)) {
    if (!exit->signalled && exit->value == 0) return kj::heapString(output.begin(), output.size());
  }
  return kj::String();
}

}  // namespace nodeagent
