// Finds the programs that the harness starts. It starts none.
#pragma once

#include <string>
#include <vector>

namespace harness {

// Returns the directories in which the harness looks for its programs before PATH, in their order.
std::vector<std::string> programDirectories();

// Returns the path of `name`, which is looked for in $MUSTER_BIN_DIR, beside this program, in the
// installed package that it was built against, in /usr/local/bin, /usr/bin and PATH, in this order.
// Empty if it is nowhere.
std::string findProgram(const std::string& name);

}  // namespace harness
