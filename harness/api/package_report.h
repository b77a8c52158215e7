// Notes in gtest's reports which packages a test has installed, by which one sees later what was
// tested.
#pragma once

#include <map>
#include <string>

namespace harness {

// Adds packages with their versions to the property NODE.packages of the running test, or of its
// suite where that sets up: "kvd 1.2-3, libkv 4". Threads that act on several nodes may call
// it while the test waits for them. No packages add nothing.
void reportPackages(const std::string& node, const std::map<std::string, std::string>& versions);

}  // namespace harness
