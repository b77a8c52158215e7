// The one number that all random choices of a test program derive from.
#pragma once

#include <cstdint>

namespace muster {

// The value of --muster-seed or MUSTER_SEED; without them one chosen at start. Never 0. A failing
// test says it, and it is the property "muster_seed" of each test in the XML.
uint64_t seed();

}  // namespace muster
