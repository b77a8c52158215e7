// Names the program that this process runs, for processes that start it again.
#pragma once

#include <string>

namespace nodeagent {

// Returns the program's path. Empty: the kernel does not tell, as before /proc is mounted.
std::string ownProgram();

// Returns the path by which the program that the kernel's link names can be started. Both differ
// where its file was replaced while it ran.
std::string programOfLink(const std::string& link);

}  // namespace nodeagent
