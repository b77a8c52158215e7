// Reads list files: text files with a selector a line (docs/reference/selection.md). What a
// selector means is said by choose.h.
#pragma once

#include <string>
#include <vector>

#include "harness/selection/selectors.h"

namespace harness::selection {

// Returns the selectors of a file in order, each with FILE:LINE as its origin. Throws
// SelectionError kInput if it cannot be read, and kSelector with FILE:LINE for a wrong line, or if
// there is no selector in it.
std::vector<Selector> readListFile(const std::string& path);

// Does so for the content of a file.
std::vector<Selector> parseListFile(const std::string& path, const std::string& content);

}  // namespace harness::selection
