// Names the program that this process runs, for processes that start it again.
#pragma once

#include <string>

namespace nodeagent {

// Returns the program's path. Empty: the kernel does not tell, as before /proc is mounted.
std::string ownProgram();

}  // namespace nodeagent
