// Lists the tests of programs by asking each of them. No test runs, and no node is touched. Which
// of the tests are meant is chosen by choose.h.
#pragma once

#include <string>
#include <vector>

#include "harness/selection/listed_test.h"

namespace harness::selection {

struct ListedProgram {
  std::string component;
  std::string path;
};

// Returns the tests of all programs, in the order of the programs and of their sources. A program
// whose main is not muster::main is asked for gtest's own list, which knows names and places only.
// Programs are asked two at a time, for a minute each at most. Throws SelectionError kTests with
// what the program said if it cannot list its tests, and SystemError.
std::vector<ListedTest> listTests(const std::vector<ListedProgram>& programs);

// These two read what a program has written: the list of muster::main, and that of gtest. Throw
// SelectionError kTests.
std::vector<ListedTest> readTestList(const ListedProgram& program, const std::string& json);
std::vector<ListedTest> readGtestList(const ListedProgram& program, const std::string& json);

}  // namespace harness::selection
