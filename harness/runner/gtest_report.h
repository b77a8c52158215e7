// Reads gtest's own report in XML, for programs whose main is not muster::main: they keep no
// record.
#pragma once

#include <string>
#include <vector>

#include "harness/runner/live_record.h"

namespace harness::runner {

// Returns the tests that the report says have run or failed. Empty: there is none, or it was cut.
std::vector<LiveTest> testsInReport(const std::string& path);

}  // namespace harness::runner
