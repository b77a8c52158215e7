// Reads slices of text files that are written, rotated and truncated meanwhile. Everything here
// blocks, and belongs on a worker thread.
//
// A file is known by device, inode and time of creation, wherever in its directory it is renamed
// to. What stands before a mark's offset is known by a check sum, by which a file that was emptied
// and written again is told from one that only grew.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nodeagent/log/find_files.h"
#include "nodeagent/log/line_filter.h"
#include "nodeagent/log/log_values.h"

namespace nodeagent::logs {

// Marks the present end of all files of the pattern, and of those that they were rotated to.
std::vector<Place> markFiles(const std::string& pattern);

struct FilesRequest {
  std::string pattern;
  std::vector<Place> from;
  // Absent: the slice ends with the last whole line.
  std::optional<std::vector<Place>> to;
  PartLimits limits;
};

// Reads the next part of a slice. Rotated files come before those that have replaced them. Fails
// with kind overloaded if the next mark would be too large for a message.
Part readFiles(const FilesRequest& request, const LineFilter& filter);

// Reads what slice_plan.h has planned. Files may have changed since.
struct SlicePlan;
Part readPlanned(SlicePlan plan, const PartLimits& limits, const LineFilter& filter);

}  // namespace nodeagent::logs
