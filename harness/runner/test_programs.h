// Finds the test programs of components.
#pragma once

#include <string>
#include <vector>

namespace harness {

// A gtest program of tests_d: COMPONENT_tests.
struct TestProgram {
  std::string component;
  std::string path;
};

// The test programs in a directory, sorted by component.
std::vector<TestProgram> findTestPrograms(const std::string& directory);

// Tells whether arguments make gtest only list its tests.
bool asksForList(const std::vector<std::string>& arguments);

}  // namespace harness
