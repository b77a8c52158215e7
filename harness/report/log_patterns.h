// Compares log lines of two runs by what they say: numbers, times, addresses and ids that differ
// from run to run do not count. It reads the lines that the records of a run have, and the whole
// logs among its artifacts.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "harness/run/run_record.h"

namespace harness::report {

// Returns a line with a number sign for each time, address, UUID, hexadecimal word and number.
std::string patternOf(const std::string& line);

struct LogPattern {
  // How many lines have it.
  uint64_t count = 0;

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

}  // namespace harness::report
