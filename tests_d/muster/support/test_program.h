// Runs a program of tests that is built beside this one, for tests of what such programs say and
// leave. Each object has a run directory of its own.
#pragma once

#include <chrono>
#include <string>

#include "tests_d/muster/support/shell.h"

namespace muster_tests {

class TestProgram {
 public:
  // `name` is that of the program's file.
  explicit TestProgram(std::string name);

  // Removes the run directory.
  ~TestProgram();
  TestProgram(const TestProgram&) = delete;
  TestProgram& operator=(const TestProgram&) = delete;

  // What stands around the program in the text of a shell.
  struct Call {
    // Such as "NAME=value", before it.
    std::string environment = {};
    // Its arguments.
    std::string arguments = {};
    // Is done while it runs, or after it.
    std::string behind = {};
  };

  // Runs it without what this program was told of its own run, for two minutes at most.
  ShellResult run(const Call& call) const;

  const std::string& directory() const { return directory_; }

  // Returns the content of a file of the run directory.
  std::string content(const std::string& path) const;

 private:
  const std::string name_;
  std::string directory_;
};

}  // namespace muster_tests
