#include "harness/provision/podman/podman.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <sstream>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/process.h"
#include "harness/provision/error.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

// Muster gives a removal a minute.
constexpr std::chrono::seconds kTime{50};
constexpr size_t kOutputBytesMax = 64 << 20;
constexpr size_t kReasonBytesMax = 1000;
constexpr std::chrono::milliseconds kLookEvery{100};
constexpr std::chrono::minutes kPullTime{10};

// The words of a command that say what is done, for errors: "create", or "network create".
std::string attemptOf(const std::vector<std::string>& arguments) {
  std::string text = "podman";
  for (size_t i = 0; i < arguments.size() && i < 2; ++i) {
    if (arguments[i].starts_with("-") || (i > 0 && arguments[0] != "network")) break;
    text += " " + arguments[i];
  }
  return text;
}

Fd memoryFile() {
  Fd file(::memfd_create("podman", MFD_CLOEXEC));
  if (!file) failSystem("memfd_create");
  return file;
}

// Returns the content of a file, of a long one the beginning.
std::string contentOf(int fd) {
  std::string text;
  std::string buffer(65536, '\0');
  while (text.size() < kOutputBytesMax) {
    ssize_t count = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (check(count, "read the output of podman") == 0) break;
    text.append(buffer, 0, static_cast<size_t>(count));
  }
  return text;
}

}  // namespace

std::string podmanReason(const CommandResult& result) {
  if (result.ending != CommandResult::Ending::kExited) return toString(result);
  std::string last;
  std::string error;
  std::istringstream lines(result.errors);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    last = line;
    if (line.starts_with("Error: ")) error = line.substr(7);
  }
  const std::string& reason = error.empty() ? last : error;
  if (reason.empty()) return toString(result);
  return support::printable(support::beginningOf(reason, kReasonBytesMax));
}

Podman::Podman(std::string program, std::vector<std::string> options)
    : program_(std::move(program)), options_(std::move(options)) {}

std::vector<std::string> Podman::argv(const std::vector<std::string>& arguments) const {
  std::vector<std::string> words = {program_};
  words.insert(words.end(), options_.begin(), options_.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

CommandResult Podman::attempt(const std::vector<std::string>& arguments) const {
  return runUntil(arguments, kTime, [] { return false; });
}

// A podman whose caller is killed goes on. Were its outputs pipes, the next warning would be its
// end, in the middle of a start, and what it then forgets nobody finds: they are files.
CommandResult Podman::runUntil(const std::vector<std::string>& arguments,
                               std::chrono::seconds limit,
                               const std::function<bool()>& isCancelled) const {
  try {
    Fd output = memoryFile();
    Fd errors = memoryFile();
    Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) failSystem("open /dev/null");
    SpawnOptions options = apart(argv(arguments));
    options.input = nothing.get();
    options.output = output.get();
    options.errors = errors.get();
    Child child = spawn(options);
    Deadline deadline = after(limit);
    std::optional<int> status;
    while (!status && !isCancelled() && millisecondsUntil(deadline) > 0) {
      status = child.awaitEnd(std::min(deadline, after(kLookEvery)));
    }
    CommandResult result;
    if (!status) {
      child.endBy(after(std::chrono::seconds(0)));
      result.ending = CommandResult::Ending::kOverdue;
    } else if (WIFSIGNALED(*status)) {
      result.ending = CommandResult::Ending::kSignalled;
      result.status = WTERMSIG(*status);
    } else {
      result.status = WEXITSTATUS(*status);
    }
    result.output = contentOf(output.get());
    result.errors = contentOf(errors.get());
    return result;
  } catch (const SystemError& error) {
    throw ProvisionError(error.what());
  }
}

std::string Podman::run(const std::vector<std::string>& arguments, const std::string& node) const {
  CommandResult result = attempt(arguments);
  if (result.succeeded()) return result.output;
  throw ProvisionError(attemptOf(arguments) + ": " + podmanReason(result), node);
}

nlohmann::json Podman::list(const std::vector<std::string>& arguments) const {
  std::string text = run(arguments);
  nlohmann::json json =
      text.empty() ? nlohmann::json() : nlohmann::json::parse(text, nullptr, false);
  if (json.is_null()) return nlohmann::json::array();
  if (json.is_array()) return json;
  throw ProvisionError(attemptOf(arguments) + ": wanted a list in JSON, got \"" +
                       support::escaped(support::beginningOf(text, 200)) + "\"");
}

void Podman::pull(const std::string& image, const std::function<bool()>& isCancelled) const {
  CommandResult result = runUntil({"pull", "--quiet", image}, kPullTime, isCancelled);
  if (result.succeeded()) return;
  std::string reason = isCancelled() ? "cancelled" : podmanReason(result);
  throw ProvisionError("podman pull " + image + ": " + reason);
}

}  // namespace harness
