// Compares log lines of two runs, or of a test in two runs, by what they say: what differs from run
// to run does not count (harness/run/normalised_text.h). It reads the lines that the records of a
// run have, and the logs among its artifacts.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/run/results.h"

namespace harness::report {

struct LogPattern {
  // How many lines have it, and how many were read before the first of them.
  uint64_t count = 0;
  uint64_t order = 0;

  // The first of them, and where it was.
  std::string line = {};
  std::string node = {};
  std::string source = {};
};

struct LogPatterns {
  std::unordered_map<std::string, LogPattern> patterns = {};

  // Lines that are not in `patterns`, because there are too many different ones.
  uint64_t leftOut = 0;

  uint64_t lines = 0;
};

// A line in more than one record or artifact of one log counts once, as far as that can be told: a
// log whose artifact can be read is read there only.
LogPatterns logPatternsOf(const run::RunRecord& run);

// Does so for the attempts of one test that are green, or for those that are not.
enum class Attempts { kGreen, kNotGreen };
LogPatterns logPatternsOf(const run::RunRecord& run, const run::TestResult& test, Attempts which);

// What the logs of a test that failed have beyond those of a run in which it was green.
struct NewLines {
  // The id of that run.
  std::string comparedWith = {};

  // A line for each pattern that only the failed test has, in the order of the logs.
  std::vector<LogPattern> lines = {};

  // Lines that could not be compared, because there are too many different ones.
  uint64_t leftOut = 0;
};

NewLines newLinesOf(const LogPatterns& failed, const LogPatterns& green);

}  // namespace harness::report
