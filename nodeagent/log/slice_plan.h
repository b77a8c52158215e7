// Decides which bytes of which files are the rest of a slice, and what is missing of it.
#pragma once

#include <optional>
#include <vector>

#include "nodeagent/log/find_files.h"
#include "nodeagent/log/log_files.h"

namespace nodeagent::logs {

// A part of a file that belongs to the slice.
struct Stretch {
  FoundFile file;
  // Where it begins.
  Place start;
  uint64_t end = 0;
  // The slice ends at `end`, so that an unfinished line is given too.
  bool hasFixedEnd = false;
};

struct SlicePlan {
  // In the order in which they are read.
  std::vector<Stretch> stretches;
  std::vector<Note> notes;
};

SlicePlan planSlice(const FilesRequest& request);

// Returns the place at `offset` of an open file, with the check sum of what is before it.
Place placeAt(int fd, const FoundFile& file, uint64_t offset, uint64_t line);

// Opens a log for reading, without waiting for pipes and without becoming anybody's terminal. A
// negative number is minus the errno.
int openLog(const std::string& path);

}  // namespace nodeagent::logs
