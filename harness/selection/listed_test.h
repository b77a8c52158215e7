// Says what is known of a test without running it: where it is, and what it says of itself. What
// became of it in earlier runs is said by harness/run.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace harness::selection {

// What a suite needs of a cluster (muster/needs.h).
struct ListedNeeds {
  // The least number of nodes of each role.
  std::map<std::string, int> nodes = {};
  bool isSystemd = false;
  std::vector<std::string> capabilities = {};
  // "network faults", "power" and the like.
  std::vector<std::string> abilities = {};
  // 0: any.
  uint64_t memoryBytes = 0;
};

struct ListedTest {
  std::string component = {};
  // The path of its program.
  std::string program = {};

  // The names that gtest has for them.
  std::string suite = {};
  std::string name = {};

  // Where it is declared, absolute unless the file is not there.
  std::string file = {};
  int line = 0;

  // Its type or value parameter, as gtest prints it. Empty: it has none.
  std::string type = {};
  std::string value = {};

  // gtest does not run it unless it is told to.
  bool isDisabled = false;

  // Absent: it uses no nodes.
  std::optional<ListedNeeds> needs = {};

  // What it says of itself (muster/about.h). A timeLimit of 0 is the default.
  std::vector<std::string> labels = {};
  std::string owner = {};
  std::vector<std::string> requirements = {};
  std::chrono::nanoseconds timeLimit{0};
  std::vector<std::string> after = {};
  bool isDisruptive = false;

  // SUITE.NAME, which gtest's filter takes.
  std::string fullName() const { return suite + "." + name; }

  // COMPONENT/SUITE.NAME, as in the records of a run.
  std::string id() const { return component + "/" + fullName(); }

  // FILE:LINE, for errors.
  std::string place() const { return file + ":" + std::to_string(line); }
};

}  // namespace harness::selection
