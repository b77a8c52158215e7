// Reads from a core file which program it was, and how it ended. It does not look at its memory.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "nodeagent/diagnosis/core_pattern.h"

namespace nodeagent::diagnosis {

struct CoreFile {
  std::string path;

  // Tells this file from an earlier one of its path.
  std::string key;

  // At most 15 bytes, as the kernel keeps it. Empty, and 0 below: the file does not tell.
  std::string program;
  std::string executable;
  pid_t pid = 0;
  int signal = 0;
};

// Reads the notes of a core of this machine's kind. Absent: it is no core.
std::optional<CoreFile> readCore(const std::string& path);

// Returns the cores in `directories`, which is where processes were, that were written after
// `sinceRealtimeNs`, in no order and at most kCoresMax. Takes as long as their file systems do.
constexpr size_t kCoresMax = 256;
std::vector<CoreFile> findCores(const CorePattern& pattern,
                                const std::vector<std::string>& directories,
                                int64_t sinceRealtimeNs);

// Returns the working directories of the processes that run, each once and at most kDirectoriesMax.
constexpr size_t kDirectoriesMax = 256;
std::vector<std::string> directoriesOfProcesses();

// Returns when a file was changed last; 0: there is none.
struct FileTimes {
  int64_t changedRealtimeNs = 0;
  bool isRegular = false;
  std::string key;
};
FileTimes timesOf(const std::string& path);

// The kernel stamps files by a clock that is this much behind at most.
constexpr int64_t kStampSlackNs = 20'000'000;

}  // namespace nodeagent::diagnosis
