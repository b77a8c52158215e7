// Says how often tests have passed since they last failed, by what the index has of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/history/database.h"

namespace harness::history {

// Returns for each of these tests, by its id COMPONENT/SUITE.NAME, the number of attempts that
// passed since its last failure or flaky run; runs that say nothing about it are left out. A test
// that has not passed since is left out. Reads the last 1000 runs of each test at most. Throws
// DatabaseError.
std::map<std::string, int> passesInARow(Database& database, const std::vector<std::string>& tests);

}  // namespace harness::history
