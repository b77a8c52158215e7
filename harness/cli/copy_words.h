// The words of `muster cp`: which are on nodes, and what their parts are.
#pragma once

#include <string>

namespace harness {

struct CopyWord {
  std::string nodes;  // A node set; empty: this machine.
  std::string path;
};

// "server1:/etc/hosts" is on nodes; a word without a colon before its first slash is not, so that a
// local file with a colon is "./a:b". CommandError with kExitUsage if a path on nodes is not
// absolute.
CopyWord copyWord(const std::string& word);

// "/a/b/" → "b"; of "/", "." and ".." nothing.
std::string lastNameOf(const std::string& path);

// `name` below `directory`, with one slash between.
std::string joined(const std::string& directory, const std::string& name);

}  // namespace harness
