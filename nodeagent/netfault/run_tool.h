// Runs the programs of the node that faults need, or what takes their place in tests.
#pragma once

#include <functional>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/os/command.h"

namespace nodeagent::netfault {

// Runs a tool of the node to its end. Tests replace it. It blocks, and is called on any thread.
using RunTool = std::function<CommandResult(kj::ArrayPtr<const kj::String> argv)>;

// More of a tool's output is cut off. A listing of 512 addresses of IPv6 takes 90 bytes for each.
constexpr size_t kToolOutputBytesMax = 256 << 10;

// Runs the tool itself, for at most five seconds.
RunTool runTool();

}  // namespace nodeagent::netfault
