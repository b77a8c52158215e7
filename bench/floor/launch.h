// What does starting a command and waiting for it cost with nothing in between? These are the
// floors that every measured execution is a ratio of. They do not look after deadlines, descendants
// or limits.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

enum class Launch {
  kPosixSpawn,  // posix_spawn(3), as the C library does it.
  kCloneVfork,  // clone with CLONE_VM and CLONE_VFORK, as nodeagent's keeper launches.
};

struct Ended {
  int status = 0;          // As waitpid() gives it.
  size_t outputBytes = 0;  // Of both streams.
};

// Runs `argv` (argv[0] is an absolute path) with two pipes, reads both to their ends, and reaps the
// child. Throws std::system_error if it cannot be started. Safe to call from several threads.
Ended launchAndWait(Launch how, const std::vector<std::string>& argv);

// Runs `argv` `count` times from `threads` threads at once. Returns the elapsed seconds.
double launchMany(Launch how, const std::vector<std::string>& argv, size_t count, size_t threads);

}  // namespace bench
