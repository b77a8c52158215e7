// Tells which tests a single selector selects, with an error that names it if there are none. How
// several go together is said by choose.h.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "harness/selection/expression.h"
#include "harness/selection/listed_test.h"
#include "harness/selection/selectors.h"

namespace harness::selection {

// For each test, whether it is selected.
using Selected = std::vector<bool>;

struct LastRun {
  // Empty: there is none.
  std::string name = {};
  Outcomes outcomes = {};
};

// Tests with their names, since a list file may have a thousand of them.
struct TestIndex {
  // The places of tests by a name.
  using Places = std::unordered_map<std::string, std::vector<size_t>>;

  // `all` must outlive it.
  explicit TestIndex(const std::vector<ListedTest>& all);

  const std::vector<ListedTest>& tests;
  Places components = {};
  // SUITE and SUITE.TEST, also behind COMPONENT/.
  Places names = {};
  // TEST alone.
  Places testNames = {};
};

// Throws SelectionError kSelector.
Selected selectedBy(const Selector& selector, const TestIndex& index, const LastRun& lastRun);

}  // namespace harness::selection
