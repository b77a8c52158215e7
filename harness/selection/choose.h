// Chooses tests from a list of them, and puts them in order. It runs nothing; the tests come from
// listing.h, and docs/reference/selection.md describes it for people.
//
//   Choice choice = choose(listTests(programs), {.selectors = {{.text = "kvd", .origin = "kvd"}}});
//
// Selectors of one kind are united, and kinds intersect: two labels select the tests that have one
// of them, and a label and a component the tests of that component that have it. A list file is of
// a kind of its own, and so are the tests that failed, and those that have changed. Without
// selectors, all tests are chosen.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/selection/listed_test.h"
#include "harness/selection/selectors.h"

namespace harness::selection {

// A test that another one names in `after`, and that does not run.
struct AbsentBefore {
  std::string id = {};
  // "not selected", "disabled" or "in another shard".
  std::string why = {};
};

struct Choice {
  // In the order in which they are to run.
  std::vector<ListedTest> tests = {};

  // Those that were selected too, and that gtest does not run because of their names.
  std::vector<ListedTest> disabled = {};

  // How many were selected, and are in other shards.
  size_t inOtherShards = 0;

  // What does not run before a test although its `after` names it, by the id of that test.
  std::map<std::string, std::vector<AbsentBefore>> absentBefore = {};

  // Sentences for people: what was compared, and what is not there any more.
  std::vector<std::string> notes = {};
};

// Throws SelectionError:
//   kSelector  a selector is wrong or selects nothing; the text has its place and the nearest name
//   kNothing   each selects something, and together nothing
//   kInput     a list file or the records of a run cannot be read
//   kTests     two programs have tests of one id, or `after` names nothing or makes a cycle
Choice choose(const std::vector<ListedTest>& tests, const Selectors& selectors);

}  // namespace harness::selection
