// What a Daemon reads from files of its node, which can be told without one.
#pragma once

#include <cstdint>
#include <string>

namespace harness {

// Tells whether a table of the form of /proc/net/tcp has a socket that listens on `port`.
bool hasListener(const std::string& table, uint16_t port);

// Where the kernel puts core files, as far as it can be told from outside.
struct CorePlace {
  // Why it cannot be told; empty if it can.
  std::string problem;
  std::string directory;

  // A pattern of fnmatch(3) for the name.
  std::string name;
};

enum class CorePid { kNotAdded, kAdded };

// Reads a core_pattern as core(5) says, for a process of number `pid` that crashed in the working
// directory `directory`. `added` is core_uses_pid.
CorePlace corePlace(const std::string& pattern, CorePid added, const std::string& directory,
                    int pid);

}  // namespace harness
