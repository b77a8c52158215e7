// Says how long tests take, by what the index has of them: for estimates, and for orders by length.
// Whether that has changed is said by duration_change.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/history/database.h"

namespace harness::history {

// Returns the seconds that each of these tests takes, by its id COMPONENT/SUITE.NAME: the median of
// its last nine passes. A test that has never passed is left out, because a failure ends early or
// late. Reads a few rows for each test, whatever the number of runs. Throws DatabaseError.
std::map<std::string, double> typicalSeconds(Database& database,
                                             const std::vector<std::string>& tests);

}  // namespace harness::history
