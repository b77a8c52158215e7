// Documents that are instructions: what a reader is told to do, step by step.
//
// A step is a fenced block:
//
//   `path`           a line of its own before the block: the block becomes a new file
//   ```diff          the block changes files that are there
//   ```sh            its lines are commands, run in the root of the tree
//   ```text          no step, for the reader only
//
// Following the steps is the business of test_follow.cc; nothing here runs a command.
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
  std::string path;  // For kMake: relative to the root of the tree.
  std::string text;  // The block, with a line break behind each line.
};

// The document is malformed, or its step does not fit the tree. The text names the line.
class StepError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws StepError where a block is no step and not marked "text", or a step has no block.
std::vector<Step> stepsOf(const std::string& document);

// Does a step of kind kMake or kChange in the tree at `root`. Throws StepError where the file to
// make is there already, or a change does not fit.
void follow(const Step& step, const std::filesystem::path& root);

}  // namespace docs
