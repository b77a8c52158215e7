// A process of its own that uses up memory or processors of the node, until it is killed or its
// keeper is gone.
#pragma once

#include <string>
#include <vector>

namespace nodeagent::netfault {

// A keeper starts a hog as PROGRAM kHogArgument KIND AMOUNT.
constexpr const char* kHogArgument = "--hog";

// The kinds. The amount is bytes of memory, and threads.
constexpr const char* kMemoryHog = "memory";
constexpr const char* kCpuHog = "cpu";

// Runs the hog, and returns its exit status once its parent is another than at its start.
// `arguments` are kind and amount.
int runHog(const std::vector<std::string>& arguments);

}  // namespace nodeagent::netfault
