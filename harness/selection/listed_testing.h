// Makes listed tests for the unit tests of this room.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/selection/listed_test.h"

namespace harness::selection {

// Returns a test of a component, by its SUITE.NAME, whose source is
// /src/tests_d/COMPONENT/test_SUITE.cc.
inline ListedTest listed(const std::string& component, const std::string& fullName) {
  size_t dot = fullName.find('.');
  ListedTest test;
  test.component = component;
  test.program = "/build/bin/" + component + "_tests";
  test.suite = fullName.substr(0, dot);
  test.name = fullName.substr(dot + 1);
  test.file = "/src/tests_d/" + component + "/test_" + test.suite + ".cc";
  test.line = 7;
  return test;
}

inline ListedTest labelled(ListedTest test, std::vector<std::string> labels) {
  test.labels = std::move(labels);
  return test;
}

inline ListedTest needing(ListedTest test, const std::string& role, int count) {
  test.needs.emplace().nodes[role] = count;
  return test;
}

inline ListedTest behind(ListedTest test, std::vector<std::string> after) {
  test.after = std::move(after);
  return test;
}

inline std::vector<std::string> idsOf(const std::vector<ListedTest>& tests) {
  std::vector<std::string> ids;
  for (const ListedTest& test : tests) ids.push_back(test.id());
  return ids;
}

}  // namespace harness::selection
