// A process of its own that uses up memory or processors of the node, until it is killed or its
// keeper is gone.
#pragma once

#include <string>
#include <vector>

namespace nodeagent::netfault {

// A keeper starts a hog as PROGRAM kHogArgument KIND AMOUNT KEEPER. The last is the keeper's own
// pid: if it ends before the hog looks, the hog has another parent from the beginning.
constexpr const char* kHogArgument = "--hog";

// The kinds. The amount is bytes of memory, and threads.
constexpr const char* kMemoryHog = "memory";
constexpr const char* kCpuHog = "cpu";

// Runs the hog, and returns its exit status once its parent is not the keeper, which may be at
// once. `arguments` are those behind kHogArgument.
int runHog(const std::vector<std::string>& arguments);

}  // namespace nodeagent::netfault
