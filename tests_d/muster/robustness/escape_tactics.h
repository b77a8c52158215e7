// Payloads that do not want to end, each in its own way.
#pragma once

#include <string>
#include <vector>

namespace faults {

// The kinds that runEscapeTactic knows, but for the next.
const std::vector<std::string>& escapeTactics();

// Kinds that leave their control group, as root may.
const std::vector<std::string>& unboundEscapeTactics();

// Becomes a payload of this kind, says "ready" on standard output, and stays until it is killed, or
// for a minute. Kinds that leave descendants behind return.
int runEscapeTactic(const std::string& kind);

}  // namespace faults
