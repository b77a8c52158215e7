// Finds the test that somebody means by a part of its id.
#pragma once

#include <string>
#include <vector>

namespace harness::history {

struct TestChoice {
  // COMPONENT/SUITE.NAME. Empty: see `problem`.
  std::string test = {};

  // Says why there is none or which ones there are, and names the nearest ones.
  std::string problem = {};
};

// Finds a test by its id, or by an end of one that only one of them has. An end that begins behind
// "/" or "." comes before one in the middle of a word: "Heals" is KvTest.Heals although there is a
// KvTest.NeverHeals.
TestChoice chooseTest(const std::vector<std::string>& known, const std::string& text);

}  // namespace harness::history
