// Applies patches, which are changes to files of the tree, kept as unified diffs.
//
// It makes the text of a file with a patch in it, or says why the patch does not fit any more. Line
// numbers in a patch mean nothing, because a hunk belongs to the one place where its text stands.
// The mutants of the simulation, and the steps of documents that a test follows, are such patches.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace muster_tests {

struct Hunk {
  size_t line = 0;     // The hunk's line in the patch, from 1.
  std::string before;  // Whole lines of the file, with those around the change.
  std::string after;   // These lines with the change.
};

// The changes of a patch to one file.
struct FileChange {
  std::string path;  // Relative to the root of the tree.
  std::vector<Hunk> hunks;
};

struct Patch {
  std::string comment;  // The first line if it is "# …", and else empty.
  std::vector<FileChange> changes;
};

// Says that a text is no patch, or that a patch does not fit its file. It names the line of the
// patch.
class PatchError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads a patch as git writes it. Throws PatchError where it is none, or changes nothing.
Patch parsePatch(const std::string& text);

// Returns `source`, the text of `change.path`, with the change in it. Throws PatchError if the
// lines of a hunk do not stand in it exactly once.
std::string changed(const FileChange& change, const std::string& source);

}  // namespace muster_tests
