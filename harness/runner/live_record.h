// Follows the record of a test program while the program writes it, and tells which test runs and
// what became of the others. It judges nothing; harness/run/results.h does when all is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/os/fd.h"
#include "harness/run/outcome.h"

namespace harness::runner {

// What the record has said of one test.
struct LiveTest {
  // SUITE.NAME
  std::string name = {};
  // The number of the repetition by --gtest_repeat, from 1.
  int repeat = 1;
  bool hasBegun = false;
  bool hasEnded = false;
  run::Outcome outcome = run::Outcome::kNotRun;
  std::string because = {};

  // The first failure, or the reason to skip.
  std::string text = {};
  double seconds = 0;

  // While it runs, those on which it has done something.
  std::vector<std::string> nodes = {};

  // The file of the last look at its nodes, from the directory of the run. Empty: none was taken.
  std::string look = {};

  // When this object read of its begin, and how long tests had been held then.
  std::chrono::steady_clock::time_point seenBegin = {};
  std::chrono::nanoseconds heldBefore{0};
};

// What a test does on a node: a command, a call, a wait or a fault.
struct LiveStep {
  // The kind, as records have it.
  std::string kind = {};
  std::string node = {};

  // The words of the command, or the text of another kind.
  std::string text = {};
  bool hasEnded = false;

  // How it ended, as the record says it.
  std::string outcome = {};

  // When this object read of its begin.
  std::chrono::steady_clock::time_point seenBegin = {};
};

// A hold by the program (harness/run/hold.h).
struct LiveHold {
  // SUITE.NAME
  std::string test = {};
  std::string text = {};

  // CLOCK_REALTIME in nanoseconds.
  int64_t until = 0;

  // Why it is over. Empty: it goes on.
  std::string because = {};

  // When this object read of its begin.
  std::chrono::steady_clock::time_point seenBegin = {};
};

class LiveRecord {
 public:
  // The file need not exist yet.
  explicit LiveRecord(std::string path) : path_(std::move(path)) {}

  // Reads what was written since. Returns the tests that have begun or ended, in order; a test
  // that has done both comes once.
  std::vector<LiveTest> news();

  // The test that runs; null: none does.
  const LiveTest* running() const;

  // What the running test began last; absent: nothing, or no test runs.
  const std::optional<LiveStep>& lastStep() const { return step_; }

  // The tests by their ids in the record.
  const std::map<std::string, LiveTest>& tests() const { return tests_; }

  // The last hold. Empty: there was none.
  const std::optional<LiveHold>& hold() const { return hold_; }

  // Returns the time of all holds, that of one which goes on included.
  std::chrono::nanoseconds heldTime() const;

  // The texts of failures that belong to no test.
  const std::vector<std::string>& failures() const { return failures_; }

  // The program's process. 0: the record does not say.
  int process() const { return process_; }

  // The record has a first line, and its last one.
  bool hasBegun() const { return hasBegun_; }
  bool isClosed() const { return isClosed_; }

 private:
  void take(const std::string& line, std::vector<std::string>& changed);
  void takeStep(const std::string& verb, const std::string& id, const nlohmann::json& line);
  void takeTest(const std::string& verb, const std::string& id, const nlohmann::json& line);
  void takeHold(const nlohmann::json& line, std::string_view verb);

  std::string path_;
  Fd file_;
  std::string rest_;
  std::map<std::string, LiveTest> tests_;
  std::map<std::string, std::string> kinds_;
  std::string running_;
  std::string stepId_;
  std::optional<LiveStep> step_;
  std::optional<LiveHold> hold_;
  std::chrono::nanoseconds heldTime_{0};
  std::vector<std::string> failures_;
  int process_ = 0;
  bool hasBegun_ = false;
  bool isClosed_ = false;
};

}  // namespace harness::runner
