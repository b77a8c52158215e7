#include "harness/os/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "harness/os/error.h"
#include "harness/os/process.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

// The pipes of one command. Each is closed when there is nothing more to move.
struct Streams {
  Fd input;
  std::string_view unsent;
  Fd output;
  Fd errors;

  bool open() const { return input || output || errors; }
};

void readInto(Fd& fd, std::string& text) {
  std::array<char, 16384> buffer;
  ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    fd.reset();
    return;
  }
  text.append(buffer.data(), static_cast<size_t>(count));
}

void sendFrom(Streams& streams) {
  ssize_t count =
      ::send(streams.input.get(), streams.unsent.data(), streams.unsent.size(), MSG_NOSIGNAL);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count > 0) streams.unsent.remove_prefix(static_cast<size_t>(count));
  // A command that reads no further is none of our business.
  if (count < 0 || streams.unsent.empty()) streams.input.reset();
}

// Moves bytes until all streams are closed. False: a limit was reached first, and says which.
bool move(Streams& streams, const CommandLimits& limits, Deadline deadline, CommandResult& result) {
  while (streams.open()) {
    pollfd watched[] = {{streams.input.get(), POLLOUT, 0},
                        {streams.output.get(), POLLIN, 0},
                        {streams.errors.get(), POLLIN, 0}};
    int count = ::poll(watched, 3, millisecondsUntil(deadline));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0 && std::chrono::steady_clock::now() < deadline) continue;
    if (count == 0) {
      result.ending = CommandResult::Ending::kOverdue;
      return false;
    }
    if (watched[0].revents != 0) sendFrom(streams);
    if (watched[1].revents != 0) readInto(streams.output, result.output);
    if (watched[2].revents != 0) readInto(streams.errors, result.errors);
    if (result.output.size() + result.errors.size() > limits.outputBytes) {
      result.ending = CommandResult::Ending::kTooMuchOutput;
      return false;
    }
  }
  return true;
}

std::string lastLineOf(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0: there is one line.
}

}  // namespace

std::string toString(const CommandResult& result) {
  std::string text;
  switch (result.ending) {
    case CommandResult::Ending::kExited:
      text = "exited with status " + std::to_string(result.status);
      break;
    case CommandResult::Ending::kSignalled:
      text = "was killed by signal " + std::to_string(result.status);
      break;
    case CommandResult::Ending::kOverdue:
      text = "did not end in its time and was killed";
      break;
    case CommandResult::Ending::kTooMuchOutput:
      text = "printed more than it may and was killed";
      break;
  }
  std::string evidence = lastLineOf(result.errors.empty() ? result.output : result.errors);
  return evidence.empty() ? text : text + ": " + support::printable(evidence);
}

CommandResult runCommand(const std::vector<std::string>& argv, const CommandLimits& limits,
                         const std::string& input) {
  int ends[2];
  // A socket and not a pipe: writing to a command that is gone must not end us with SIGPIPE.
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  check(::fcntl(ours.get(), F_SETFL, O_NONBLOCK), "fcntl");
  Pipe output = makePipe();
  Pipe errors = makePipe();
  SpawnOptions options;
  options.argv = argv;
  options.input = theirs.get();
  options.output = output.writeEnd.get();
  options.errors = errors.writeEnd.get();
  options.session = Session::kOwn;
  Child child = spawn(options);
  theirs.reset();
  output.writeEnd.reset();
  errors.writeEnd.reset();
  CommandResult result;
  Streams streams{std::move(ours), input, std::move(output.readEnd), std::move(errors.readEnd)};
  if (input.empty()) streams.input.reset();
  Deadline deadline = after(limits.time);
  bool complete = move(streams, limits, deadline, result);
  std::optional<int> status = complete ? child.awaitEnd(deadline) : std::nullopt;
  if (!status) {
    if (complete) result.ending = CommandResult::Ending::kOverdue;
    ::kill(-child.pid(), SIGKILL);
    child.endBy(deadline);
    return result;
  }
  bool signalled = WIFSIGNALED(*status);
  result.ending = signalled ? CommandResult::Ending::kSignalled : CommandResult::Ending::kExited;
  result.status = signalled ? WTERMSIG(*status) : WEXITSTATUS(*status);
  return result;
}

}  // namespace harness
