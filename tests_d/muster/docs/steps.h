// Reads the steps of a document that instructs its reader, and carries out those that change files.
//
// A step is a fenced block:
//
//   `path`           as a line before the block, it makes the block a new file
//   ```diff          the block changes existing files
//   ```sh            its lines are commands, to be run in the root of the tree
//   ```text          the block is no step, and for the reader only
//
// Nothing here runs a command. test_follow.cc follows whole documents.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace docs {

struct Step {
  enum class Kind { kMake, kChange, kRun };

  Kind kind;
  size_t line;       // The line of the block's fence in the document, from 1.
  std::string path;  // The file of kMake, relative to the root of the tree.
  std::string text;  // The block, with a line break behind each line.
};

// Says that the document is malformed, or that a step does not fit the tree. It names the line.
class StepError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Returns the steps of a document. Throws StepError if a block is neither a step nor marked "text",
// or if a step has no block.
std::vector<Step> stepsOf(const std::string& document);

// Carries out a step of kind kMake or kChange in the tree at `root`. Throws StepError if the file
// to make exists already, or if a change does not fit.
void follow(const Step& step, const std::filesystem::path& root);

}  // namespace docs
