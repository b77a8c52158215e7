// Runs the programs of this build, and finds what they leave on the machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace command {

struct Ended {
  // Exit status; 128 plus the signal's number if a signal ended the program.
  int status = -1;
  std::string out;
  std::string err;
  // The most memory that the program, or one that it waited for, had at a time.
  int64_t residentBytesMax = 0;
};

// gtest shows this when an expectation on an Ended fails.
void PrintTo(const Ended& ended, std::ostream* out);

// Matchers for an Ended: its exit status, and text that is part of a stream.
inline auto exits(int status) {
  return ::testing::Field("status", &Ended::status, status);
}
inline auto prints(const std::string& text) {
  return ::testing::Field("out", &Ended::out, ::testing::HasSubstr(text));
}
inline auto complains(const std::string& text) {
  return ::testing::Field("err", &Ended::err, ::testing::HasSubstr(text));
}

// Runs a program to its end. A relative path begins in the directory of this program. `input` is
// the standard input.
Ended runProgram(const std::string& program, const std::vector<std::string>& arguments,
                 const std::string& input = "");

// Starts a program, discards its output and returns its process id. The caller waits for its end.
pid_t startProgram(const std::string& program, const std::vector<std::string>& arguments);

// Lists the directories, processes and mounts of a local cluster. Empty if there are none.
std::string leftoversOf(const std::string& cluster);

// Waits for the cluster's hub and returns its process id, or 0 if there is none after 5 s.
pid_t hubOf(const std::string& cluster);

// Stops all processes of a local node, the agent's too, while it lives.
class FrozenNode {
 public:
  FrozenNode(const std::string& cluster, const std::string& node);
  ~FrozenNode();
  FrozenNode(const FrozenNode&) = delete;
  FrozenNode& operator=(const FrozenNode&) = delete;

 private:
  std::string control_;
};

// Gives each test a cluster name of its own, and removes that cluster. Skips without root.
class OwnClusterTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Writes a cluster file. `nodes` is the content of its key "nodes", which more keys may follow.
  std::string file(const std::string& nodes) const;

  Ended muster(std::vector<std::string> arguments, const std::string& input = "") const;

  // Runs `muster COMMAND --cluster cluster_` with these arguments.
  Ended onCluster(const std::string& command, std::vector<std::string> arguments,
                  const std::string& input = "") const;

  std::string cluster_;
  std::string directory_;
};

}  // namespace command
