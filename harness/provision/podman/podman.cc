#include "harness/provision/podman/podman.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

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

constexpr CommandLimits kLimits{.time = std::chrono::seconds(120), .outputBytes = 64 << 20};
constexpr size_t kReasonBytesMax = 1000;
constexpr size_t kErrorBytesMax = 1 << 16;
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

// Reads what a process that has ended has left in a pipe.
std::string readAll(int fd) {
  std::string text;
  char buffer[4096];
  while (text.size() < kErrorBytesMax) {
    ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
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
  try {
    return runCommand(argv(arguments), kLimits);
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
  CommandResult result;
  std::optional<int> status;
  try {
    Pipe errors = makePipe();
    SpawnOptions options = apart(argv({"pull", "--quiet", image}));
    Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    options.input = nothing.get();
    options.output = nothing.get();
    options.errors = errors.writeEnd.get();
    Child child = spawn(options);
    errors.writeEnd.reset();
    Deadline deadline = after(kPullTime);
    while (!status && !isCancelled() && millisecondsUntil(deadline) > 0) {
      status = child.awaitEnd(after(kLookEvery));
    }
    if (!status) child.endBy(after(std::chrono::seconds(0)));
    result.errors = readAll(errors.readEnd.get());
  } catch (const SystemError& error) {
    throw ProvisionError(error.what());
  }
  if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return;
  std::string attempt = "podman pull " + image + ": ";
  if (!status) throw ProvisionError(attempt + (isCancelled() ? "cancelled" : "not done in 10 min"));
  if (WIFEXITED(*status)) result.status = WEXITSTATUS(*status);
  throw ProvisionError(attempt + podmanReason(result));
}

}  // namespace harness
