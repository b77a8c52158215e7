#include "nodeagent/os/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include <kj/encoding.h>
#include <kj/vector.h>

#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/privileges.h"
#include "nodeagent/os/spawn.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kKillWaitMs = 1000;
constexpr int kLookMs = 500;  // The pause between two looks at the size of the output.
constexpr int64_t kSharedBytesMax = 16 << 20;  // Above this size the output may not grow.

// Waits for the end of the process. Returns false if it has not ended at `deadline`. Meanwhile it
// bounds the output, which is memory: a sealed file refuses further writes.
bool waitForEnd(int pidfd, int outputFd, Steady::time_point deadline) {
  for (;;) {
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (left < 0) return false;
    struct pollfd wait = {pidfd, POLLIN, 0};
    int ready = ::poll(&wait, 1, static_cast<int>(left < kLookMs ? left + 1 : kLookMs));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    struct stat status;
    if (::fstat(outputFd, &status) == 0 && status.st_size > kSharedBytesMax) {
      ::fcntl(outputFd, F_ADD_SEALS, F_SEAL_GROW);
    }
  }
}

CommandResult::End endOf(const ExitReport& report) {
  return report.signalled ? CommandResult::End::kSignalled : CommandResult::End::kExited;
}

kj::Array<kj::byte> takeOutput(int fd, size_t bytesMax) {
  // A daemon that the tool started may keep the file open, but must not make it grow any more. Its
  // writes fail; they do not raise a signal.
  ::fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
  auto buffer = kj::heapArray<kj::byte>(bytesMax);
  ssize_t count = ::pread(fd, buffer.begin(), buffer.size(), 0);
  return kj::heapArray<kj::byte>(buffer.slice(0, count < 0 ? 0 : static_cast<size_t>(count)));
}

}  // namespace

CommandResult runCommand(kj::ArrayPtr<const kj::String> argv, int64_t limitNs,
                         const CommandOutput& output) {
  return runCommandAs(nullptr, argv, limitNs, output);
}

CommandResult runCommandAs(kj::Maybe<const CommandUser&> user, kj::ArrayPtr<const kj::String> argv,
                           int64_t limitNs, const CommandOutput& output) {
  auto deadline = Steady::now() + std::chrono::nanoseconds(limitNs);
  kj::AutoCloseFd shared(::memfd_create("muster-command", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  kj::AutoCloseFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (shared.get() < 0 || null.get() < 0) return {CommandResult::End::kNotStarted, errno, nullptr};
  // Both streams append, so that neither overwrites the other.
  ::fcntl(shared, F_SETFL, O_APPEND);
  kj::Vector<kj::String> environment;
  environment.add(kj::str("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
  environment.add(kj::str("LC_ALL=C"));
  SpawnOptions options;
  KJ_IF_MAYBE (other, user) {
    for (auto& item : other->environment) environment.add(kj::str(item));
    options.credentials = other->credentials;
  }
  options.argv = argv;
  options.environment = environment;
  options.input = null;
  options.output = shared;
  options.errors = output.errors == CommandOutput::Errors::kTogether ? shared.get() : null.get();
  options.oomScore = oomScoreOfJobs();
  // A daemon that the command starts at once must not have the keeper's score.
  if (options.oomScore != nullptr) options.memory = SpawnOptions::Memory::kOwn;
  auto started = launchProgram(options);
  KJ_IF_MAYBE (failure, started.tryGet<SpawnFailure>()) {
    return {CommandResult::End::kNotStarted, failure->errorNumber, nullptr};
  }
  auto launch = kj::mv(started.get<kj::Own<Launch>>());
  auto pidfd = launch->takePidfd();
  bool ended = waitForEnd(pidfd, shared, deadline);
  if (!ended) {
    // The child leads a session and is not reaped yet, so the process group is its own.
    ::kill(-launch->pid(), SIGKILL);
    waitForEnd(pidfd, shared, Steady::now() + std::chrono::milliseconds(kKillWaitMs));
  }
  CommandResult result;
  result.end = CommandResult::End::kDeadline;
  // The outcome is asked for before reaping, as Launch demands.
  KJ_IF_MAYBE (outcome, launch->outcome()) {
    KJ_IF_MAYBE (failure, *outcome) {
      reapChild(pidfd);
      return {CommandResult::End::kNotStarted, failure->errorNumber, nullptr};
    }
  }
  KJ_IF_MAYBE (report, reapChild(pidfd)) {
    result.value = report->value;
    if (ended) result.end = endOf(*report);
  }
  result.output = takeOutput(shared, output.bytesMax);
  return result;
}

kj::Array<kj::String> lastLines(kj::ArrayPtr<const kj::byte> output, size_t linesMax) {
  kj::Vector<kj::String> lines;
  const char* position = output.asChars().begin();
  const char* end = output.asChars().end();
  while (position < end) {
    const char* newline = static_cast<const char*>(memchr(position, '\n', end - position));
    const char* lineEnd = newline == nullptr ? end : newline;
    kj::Vector<char> line;
    bool utf8 = !kj::encodeUtf32(kj::arrayPtr(position, lineEnd)).hadErrors;
    for (const char* character = position; character < lineEnd; ++character) {
      bool plain = static_cast<unsigned char>(*character) >= 0x20 && *character != 0x7f;
      if (*character == '\r') continue;
      line.add((plain && (utf8 || *character > 0)) || *character == '\t' ? *character : '?');
    }
    line.add('\0');
    if (line.size() > 1) lines.add(kj::String(line.releaseAsArray()));
    position = lineEnd + 1;
  }
  size_t skipped = lines.size() > linesMax ? lines.size() - linesMax : 0;
  kj::Vector<kj::String> last;
  for (size_t i = skipped; i < lines.size(); ++i) last.add(kj::mv(lines[i]));
  return last.releaseAsArray();
}

kj::String describeEnd(const CommandResult& result) {
  kj::String end;
  switch (result.end) {
    case CommandResult::End::kExited:
      end = kj::str("exit status ", result.value);
      break;
    case CommandResult::End::kSignalled:
      end = kj::str("ended by signal ", result.value);
      break;
    case CommandResult::End::kDeadline:
      end = kj::str("killed at its deadline");
      break;
    case CommandResult::End::kNotStarted:
      return kj::str("cannot be started: ", support::errnoText(result.value));
  }
  auto lines = lastLines(result.output, 1);
  return lines.size() == 0 ? kj::mv(end) : kj::str(end, ": ", lines[0]);
}

}  // namespace nodeagent
