#include "tests_d/muster/support/shell.h"

#include <sys/wait.h>

#include <cstdio>
#include <utility>

namespace muster_tests {

namespace {

std::string withoutSkipMarks(std::string output) {
  const std::string mark = "[  SKIPPED ]";
  for (size_t at = output.find(mark); at != std::string::npos; at = output.find(mark, at)) {
    output.replace(at, mark.size(), "[  skipped ]");
  }
  return output;
}

}  // namespace

ShellResult runShell(const std::string& text, std::chrono::seconds limit) {
  std::string quoted;
  for (char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  std::string command =
      "timeout " + std::to_string(limit.count()) + " sh -c '" + quoted + "' 2>&1 </dev/null";
  ShellResult result;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return result;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof buffer, pipe)) result.output.append(buffer, count);
  result.output = withoutSkipMarks(std::move(result.output));
  int status = pclose(pipe);
  result.exitStatus = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

}  // namespace muster_tests
