// Finds programs as a shell does.
#pragma once

#include <string>

namespace harness {

// Returns the absolute path of an executable file: `name` itself if it has a slash, else the first
// of that name in the directories of PATH. Empty: there is none.
std::string programInPath(const std::string& name);

}  // namespace harness
