#include "harness/runner/held_nodes.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "harness/os/error.h"
#include "harness/os/signals.h"
#include "harness/run/program_variables.h"
#include "harness/runner/program_run.h"

namespace harness::runner {
namespace {

// Making nodes has bounds of its own, which are shorter.
constexpr std::chrono::minutes kMakeMax{5};
constexpr std::chrono::seconds kRemoveMax{60};
constexpr std::string_view kAnswer = "cluster ";

// Returns the first line that begins with kAnswer, without that; empty if there is none in time.
std::string readAnswer(int fd) {
  std::string text;
  Deadline end = after(kMakeMax);
  while (std::chrono::steady_clock::now() < end) {
    pollfd watched{fd, POLLIN, 0};
    if (::poll(&watched, 1, millisecondsUntil(end)) <= 0) continue;
    char buffer[4096];
    ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return "";
    text.append(buffer, static_cast<size_t>(count));
    size_t begin = text.rfind('\n' + std::string(kAnswer));
    begin = text.starts_with(kAnswer) ? 0 : begin == std::string::npos ? begin : begin + 1;
    size_t newline = begin == std::string::npos ? begin : text.find('\n', begin);
    if (newline != std::string::npos) {
      begin += kAnswer.size();
      return text.substr(begin, newline - begin);
    }
  }
  return "";
}

}  // namespace

HeldNodes::HeldNodes(const std::string& program, const std::vector<std::string>& arguments,
                     const std::map<std::string, std::string>& environment) {
  Pipe input = makePipe();
  Pipe output = makePipe();
  // It ends with its input. A signal that the terminal sends to us is none for it.
  SpawnOptions start;
  start.session = Session::kOwn;
  // The runner takes signals over for its programs, and what it has blocked is none of the nodes'.
  start.blocked = signalSet({});
  start.argv = {program, run::kHoldNodesArgument};
  start.argv.insert(start.argv.end(), arguments.begin(), arguments.end());
  start.environment = environmentWith(environment);
  start.input = input.readEnd.get();
  start.output = output.writeEnd.get();
  child_ = spawn(start);
  input_ = std::move(input.writeEnd);
  output.writeEnd.reset();
  cluster_ = readAnswer(output.readEnd.get());
}

HeldNodes::~HeldNodes() {
  input_.reset();
  child_.endBy(after(kRemoveMax));
}

}  // namespace harness::runner
