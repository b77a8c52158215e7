// The one number that all random choices of a test program derive from.
//
//   std::mt19937_64 random(muster::seed());
//
// A failing test prints the number, and each test has it in the XML as the property "muster_seed".
// With `--muster-seed=NUMBER` a later run makes the same choices. The seed fixes choices only: the
// scheduling of nodes and networks stays as random as it is.
#pragma once

#include <cstdint>

namespace muster {

// Returns the value of --muster-seed or else of MUSTER_SEED. Without them it is chosen at random
// when the program starts. The value is never 0 and is the same for the whole run. Any thread may
// ask.
uint64_t seed();

}  // namespace muster
