// Asks a test program for its tests, without touching a node.
#pragma once

#include <string>
#include <vector>

#include "harness/runner/runner.h"

namespace harness::runner {

// Returns the tests that gtest would run with `arguments`, in the order in which it declares them.
// Throws SystemError, with what the program has printed last, if it does not list them.
std::vector<PlannedTest> listTests(const std::string& program,
                                   const std::vector<std::string>& arguments);

}  // namespace harness::runner
