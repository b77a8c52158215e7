// The comments of a source file, as the rules about English and about public headers read them.
#pragma once

#include <string>
#include <vector>

#include "tests_d/muster/tree/tidy.h"

namespace tree {

// Comment lines that follow each other directly, or one comment behind code.
struct Comment {
  size_t line = 0;                 // Its first line, from 0.
  bool standsAlone = false;        // No code stands on its lines.
  std::vector<std::string> lines;  // Without the comment mark and one blank behind it.
};

// In the order of the file. C++ ("//") and Cap'n Proto's schemas ("#") are understood; marks inside
// of string literals are none. Empty for other files.
std::vector<Comment> commentsOf(const SourceFile& file);

enum class Literals { kEmptied, kKept };

// The text without comments and, with kEmptied, without what stands in string literals. It has as
// many lines as before.
std::string withoutComments(const SourceFile& file, Literals literals);

}  // namespace tree
