// Follows the record of a test program while the program writes it, and tells which test runs and
// what became of the others. It judges nothing; harness/run/results.h does when all is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

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
  std::vector<std::string> nodes = {};

  // The file of the last look at its nodes, from the directory of the run. Empty: none was taken.
  std::string look = {};

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

  // The tests by their ids in the record.
  const std::map<std::string, LiveTest>& tests() const { return tests_; }

  // The texts of failures that belong to no test.
  const std::vector<std::string>& failures() const { return failures_; }

  // The record has a first line, and its last one.
  bool hasBegun() const { return hasBegun_; }
  bool isClosed() const { return isClosed_; }

 private:
  void take(const std::string& line, std::vector<std::string>& changed);

  std::string path_;
  Fd file_;
  std::string rest_;
  std::map<std::string, LiveTest> tests_;
  std::map<std::string, std::string> kinds_;
  std::string running_;
  std::vector<std::string> failures_;
  bool hasBegun_ = false;
  bool isClosed_ = false;
};

}  // namespace harness::runner
