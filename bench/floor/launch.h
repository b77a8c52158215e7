// Measures the cost of starting a command and waiting for it with nothing in between. These are the
// floors that every measured execution is a ratio of. They do not look after deadlines, descendants
// or limits.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

enum class Launch {
  // posix_spawn(3), as the C library does it.
  kPosixSpawn,
  // clone with CLONE_VM and CLONE_VFORK, as nodeagent's keeper launches.
  kCloneVfork,
};

struct Ended {
  // As waitpid() returns it.
  int status = 0;
  // Counts both streams.
  size_t outputBytes = 0;
};

// Runs `argv` (argv[0] is an absolute path) with two pipes, reads both to their ends, and reaps the
// child. Throws std::system_error if it cannot be started. Safe to call from several threads.
Ended launchAndWait(Launch how, const std::vector<std::string>& argv);

// Runs `argv` `count` times from `threads` threads at once. Returns the elapsed seconds.
double launchMany(Launch how, const std::vector<std::string>& argv, size_t count, size_t threads);

}  // namespace bench
