// Payloads that try to survive their end, each by a tactic of its own.
#pragma once

#include <string>
#include <vector>

namespace robustness {

// The tactics of runEscapeTactic that stay in their control group.
const std::vector<std::string>& escapeTactics();

// The tactics that leave their control group, which root may do.
const std::vector<std::string>& unboundEscapeTactics();

// Follows the tactic, says "ready" on standard output, and stays until it is killed, or for a
// minute. Returns at once for a tactic that only leaves descendants behind.
int runEscapeTactic(const std::string& tactic);

}  // namespace robustness
