// Groups failures that are equal but for what differs from run to run: numbers, addresses, times,
// temporary names. It does not say what caused them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace harness::history {

// Returns the text with placeholders for what differs from run to run (harness/run), 1 KiB at most.
std::string normalised(std::string_view text);

// One failure of one run.
struct FailureOf {
  std::string run = {};
  std::string test = {};
  std::string text = {};

  // Where it was reported. Empty: nowhere.
  std::string file = {};
  int line = 0;
};

struct FailureCluster {
  // What all have in common: the normalised text, and "FILE:LINE".
  std::string text = {};
  std::string place = {};

  // Whole texts differ, and this is one of them.
  std::string sample = {};

  // In the order in which they came, each once.
  std::vector<std::string> tests = {};
  std::vector<std::string> runs = {};
  size_t count = 0;
};

// Returns the clusters, those with most tests first, then those with most failures. Only the first
// failure of a test in a run should be given: what follows it is often its consequence.
std::vector<FailureCluster> clustersOf(const std::vector<FailureOf>& failures);

// "kv_test.cc:12"; empty without a file.
std::string placeText(const std::string& file, int line);

}  // namespace harness::history
