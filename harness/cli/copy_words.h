// The words of `muster cp`: whether a word is on nodes, and what its parts are.
#pragma once

#include <string>
#include <vector>

namespace harness {

struct CopyWord {
  // A node set; empty: this machine.
  std::string nodes;
  std::string path;
};

// Splits a word. "server1:/etc/hosts" is on nodes. A word without a colon before its first slash is
// not, so that a local file with a colon is "./a:b". Throws CommandError with kExitUsage if a path
// on nodes is not absolute.
CopyWord copyWord(const std::string& word);

// Refuses words that cannot be the sources and the target of an archive: files of nodes, and one
// file of this machine. Throws CommandError with kExitUsage.
void requireArchiveWords(const std::vector<CopyWord>& words);

// `name` below `directory`, with one slash between.
std::string joined(const std::string& directory, const std::string& name);

}  // namespace harness
