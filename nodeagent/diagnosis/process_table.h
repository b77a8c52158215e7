// Describes the processes of the node for people who look for the one that hangs.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string>

namespace nodeagent::diagnosis {

struct TableLimits {
  size_t bytesMax = 256 << 10;
  int64_t timeMaxNs = 2'000'000'000;
};

// Returns a table of all processes but the kernel's own, and then where in the kernel each of their
// threads waits. The command line of a process in an uninterruptible call is not read, since a
// reader may wait as well. A text that was cut says so.
std::string processTable(const TableLimits& limits = {});

}  // namespace nodeagent::diagnosis
