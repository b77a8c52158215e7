// The words for conditions on the command line: "port 7000", "http http://localhost/health 204".
#pragma once

#include <string>
#include <vector>

#include <muster/condition.h>

namespace harness {

// "file", "http", "mount", "port", "process", "socket".
std::vector<std::string> conditionKinds();

// Returns the condition that the words name, the kind first. Throws CommandError with kExitUsage
// for others.
muster::Condition conditionOf(const std::vector<std::string>& words);

}  // namespace harness
