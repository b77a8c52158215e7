// Says what is asked for: the selectors of a command line or of a list file. What they select is
// said by choose.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace harness::selection {

// One of them, with where it stands for an error: "--label" or "nightly.list:3".
struct Selector {
  enum class Kind {
    // A component, a suite, a test, a file, a directory, or a pattern of gtest.
    kWord,
    // -t: names of tests and suites, or patterns of such, divided by blanks.
    kTest,
    // -d: a directory, also one of tests_d.
    kDirectory,
    kLabel,
    kOwner,
    kRequirement,
    kExpression,
  };

  Kind kind = Kind::kWord;
  std::string text = {};
  std::string origin = {};
};

// One of several parts into which tests are divided for machines, from 1.
struct Shard {
  int number = 1;
  int count = 1;
};

// Reads "2/5". Absent: it is none.
std::optional<Shard> shardFrom(const std::string& text);

// Tells whether the test of this id is in the shard: each is in exactly one, which depends on the
// id and the count alone.
bool isInShard(const std::string& id, const Shard& shard);

enum class Order {
  // As declared: component after component, and in each as in the sources, the disruptive last. As
  // in the list files, if there are any.
  kDeclared,
  // By `seconds`: the component that takes longest in all, in it the suite that does, and in it the
  // test that does. Tests whose seconds are unknown are the first.
  kLongest,
  // By `seed`: the components, the suites of each, and the tests of each. Whatever has one process
  // or one cluster stays together, as it does in the other orders.
  kShuffled,
};

struct Selectors {
  std::vector<Selector> selectors = {};

  // Files of selectors, one a line.
  std::vector<std::string> listFiles = {};

  // The directory of a run whose tests that were not green are meant. Empty: none.
  std::string failedOf = {};

  // The directory of the run that outcome() means. Empty: there is none.
  std::string lastRun = {};

  // The revision of git since which a test's sources have changed. Empty: none.
  std::string changedSince = {};

  std::optional<Shard> shard = {};

  Order order = Order::kDeclared;
  uint64_t seed = 0;

  // The seconds that tests take, by their ids. Absent: unknown.
  std::map<std::string, double> seconds = {};
};

}  // namespace harness::selection
