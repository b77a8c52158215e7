// Expands a path with *, ? or [...] to the files that it matches, as a shell does. A shell here
// cannot do it for the files of a node. Asking the node is the caller's.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace harness {

// Tells whether a path has a character that makes it a pattern.
bool isPattern(const std::string& path);

// Returns the paths that an absolute `pattern` matches, in byte order; none if it matches nothing.
// As in a shell, "*" matches neither a slash nor a dot at the begin of a name, and a backslash
// takes away a character's meaning. `namesIn` returns the names in a directory; none where there is
// no such directory.
std::vector<std::string> expandPattern(
    const std::string& pattern,
    const std::function<std::vector<std::string>(const std::string& directory)>& namesIn);

}  // namespace harness
