// The rules that the source tree keeps, as functions from a file's text to complaints.
//
// Each rule is a pure function, so that a unit test can show that it does complain; test_tidy.cc
// applies them to the tree. Formatting is clang-format's business and meaning the reviewer's.
#pragma once

#include <string>
#include <vector>

namespace tree {

// A file of the tree: its path relative to the root, with "/" between components, and its text.
struct SourceFile {
  std::string path;
  std::string text;
};

// What is wrong, as "path:line: what; what would be right". Empty: nothing.
using Complaints = std::vector<std::string>;

// All files below `root` but those in dot-directories and in build/, sorted by path.
std::vector<SourceFile> readTree(const std::string& root);

std::vector<std::string> linesOf(const std::string& text);
bool endsWith(const std::string& text, const std::string& suffix);
bool startsWith(const std::string& text, const std::string& prefix);

// Lines of files, functions and test bodies against their budgets. More than the budget needs a
// line "Over budget:" with the reason among the file's first 20 lines; more than twice the budget
// is never right.
Complaints checkBudgets(const SourceFile& file);

// Calls that wait without a condition, and marks of unfinished work.
Complaints checkBannedWords(const SourceFile& file);

// Test names: TitleCase, true clauses without "_".
Complaints checkTestNames(const SourceFile& file);

// Includes against the table of layers, and a source's own header first.
Complaints checkLayers(const SourceFile& file);

// Code blocks marked cpp must stand, line by line, in a test source that is compiled; links must
// lead to a file of the tree. `files` is the whole tree.
Complaints checkDocument(const SourceFile& document, const std::vector<SourceFile>& files);

}  // namespace tree
