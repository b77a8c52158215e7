// Runs shell text and captures what it prints, for tests of programs and documents. It does not
// take care of what the text leaves running.
#pragma once

#include <chrono>
#include <string>

namespace muster_tests {

struct ShellResult {
  // The exit status; 124 if the time limit passed, -1 if there was no shell or a signal ended it.
  int exitStatus = -1;
  // Standard output and standard error, in the order of writing. gtest's mark of a skipped test is
  // written in small letters, because ctest takes a test that shows it for skipped, also if it
  // fails.
  std::string output;
};

// Runs `text` by `sh -c`, with an empty standard input, for at most `limit` in whole seconds.
ShellResult runShell(const std::string& text, std::chrono::seconds limit);

}  // namespace muster_tests
