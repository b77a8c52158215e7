// Finds the programs that the harness starts. It starts none.
#pragma once

#include <string>

namespace harness {

// Returns the path of `name`, which is looked for in $MUSTER_BIN_DIR, beside this program, where it
// was installed, and in PATH, in this order. Empty if it is nowhere.
std::string findProgram(const std::string& name);

}  // namespace harness
