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
size_t charactersOf(const std::string& line);

// A source or a header of C++.
bool isCode(const std::string& path);

// "path:line: ", for `line` from 0.
std::string placeOf(const SourceFile& file, size_t line);

// Lines of files and characters of lines against their budgets. More than the budget needs a line
// "Over budget:" with the reason among the file's first 20 lines; more than twice the budget is
// never right.
Complaints checkBudgets(const SourceFile& file);

// Lines of functions and of test bodies against their budgets, inside of classes too.
Complaints checkFunctions(const SourceFile& file);

// Calls that wait without a condition, outside of their few homes, and marks of unfinished work.
Complaints checkBannedWords(const SourceFile& file);

// Test names: TitleCase, true clauses without "_".
Complaints checkTestNames(const SourceFile& file);

// Includes against the table of layers, and a source's own header first; imports of schemas.
Complaints checkLayers(const SourceFile& file);

// Comments that begin with a fragment, and such that point to a value nearby instead of naming it.
Complaints checkEnglish(const SourceFile& file);

// Parameters of type bool in headers.
Complaints checkParameters(const SourceFile& file);

// Public headers: how much of them is prose, and whether there is an example.
Complaints checkManual(const SourceFile& file);

// Members of public structs: each has a value by default, so that `{.deadline = 5s}` compiles with
// -Werror=missing-field-initializers in programs of others. A struct with a constructor needs none.
Complaints checkInitialisers(const SourceFile& file);

// The subject of a commit: "area: what changes", at most 60 characters.
Complaints checkSubject(const std::string& commit, const std::string& subject);

// The kinds of provisioner: each folder of harness/provision with a kind.h.
std::vector<std::string> provisionerKindsOf(const std::vector<SourceFile>& files);

// No code of the harness names a kind of provisioner but its own folder and kinds.cc: neither as a
// word in quotes, nor by an include, nor by one of its types. Unit tests may.
Complaints checkKindNames(const SourceFile& file, const std::vector<std::string>& kinds);

// What the product does in one place, such as starting a program or parsing an address, is done
// there and nowhere else. Unit tests may.
Complaints checkSingleHomes(const SourceFile& file);

// Code blocks marked cpp must stand, line by line, in a test source that is compiled; links must
// lead to a file of the tree. `files` is the whole tree.
Complaints checkDocument(const SourceFile& document, const std::vector<SourceFile>& files);

}  // namespace tree
