// Where the programs are that the harness starts.
#pragma once

#include <string>

namespace harness {

// The path of `name`: in $MUSTER_BIN_DIR, beside this program, where it was installed, or in PATH,
// in this order. Empty if it is nowhere.
std::string findProgram(const std::string& name);

}  // namespace harness
