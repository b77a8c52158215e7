// Patches: changes to files of the tree, kept as unified diffs.
//
// Answers what a file looks like with a patch in it, and whether the patch still fits. Line numbers
// in a patch mean nothing: a hunk stands where its text stands, and that must be one place. The
// mutants of the simulation and the documents that are followed by a test are such patches.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace muster_tests {

struct Hunk {
  size_t line = 0;     // The hunk's line in the patch, from 1.
  std::string before;  // Whole lines of the file, with what surrounds the change.
  std::string after;   // These lines with the change.
};

// What a patch changes in one file.
struct FileChange {
  std::string path;  // Relative to the root of the tree.
  std::vector<Hunk> hunks;
};

struct Patch {
  std::string comment;  // The first line, if that is "# …". Empty: there is none.
  std::vector<FileChange> changes;
};

// The text is no patch, or the patch does not fit its file. The text names the line of the patch.
class PatchError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads a patch as git writes it. Throws PatchError where it is none, or changes nothing.
Patch parsePatch(const std::string& text);

// `source`, the text of `change.path`, with the change in it. Throws PatchError if a hunk's lines
// do not stand in it exactly once.
std::string changed(const FileChange& change, const std::string& source);

}  // namespace muster_tests
