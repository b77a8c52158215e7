// Mutants: mistakes that are easily made in the product, each a patch in mutants/.
//
// Answers what the product's files look like with one mistake in them. The build makes a
// simulation of each mutant, and ./dev simulate --bugs runs them (docs/internals/simulation.md).
// A patch is a unified diff whose first line, "# …", says what the mistake is. Its line numbers
// mean nothing: a hunk stands where its text stands, and that must be one place.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace simulation {

struct Hunk {
  size_t line = 0;     // The hunk's line in the patch, from 1.
  std::string before;  // Whole lines of the product, with what surrounds the mistake.
  std::string after;   // The same lines with the mistake.
};

// What a mutant changes in one file of the product.
struct FileChange {
  std::string path;  // Relative to the root of the tree.
  std::vector<Hunk> hunks;
};

struct Mutant {
  std::string mistake;  // A whole sentence.
  std::vector<FileChange> changes;
};

// The patch is malformed, or does not fit the product any more. The text names the line.
class MutantError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads the text of a patch. Throws MutantError where it is none, or changes nothing.
Mutant parseMutant(const std::string& patch);

// `source`, the text of `change.path`, with the mistake in it. Throws MutantError if a hunk's lines
// do not stand in it exactly once.
std::string mutated(const FileChange& change, const std::string& source);

}  // namespace simulation
