// Tells which tests are compiled of files that have changed since a revision of git, those that are
// not committed among them. What a changed test is chosen for is none of its business.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/selection/listed_test.h"

namespace harness::selection {

struct ChangedTests {
  // For each test, in their order.
  std::vector<bool> isChanged = {};

  // Sentences for people: how many files have changed, and how it was found out what they mean.
  std::vector<std::string> notes = {};
};

// A test has changed if one of these files has:
//   * its own source, and what that includes;
//   * other files of which its program is made, but no source of other tests and what only such
//     sources include.
// ninja knows these files if the program stands in a build directory of it and has been built.
// Otherwise a test has changed if a file has in a directory of its component's sources.
//
// Throws SelectionError kSelector if there is no such revision or no repository, and SystemError.
ChangedTests changedTests(const std::vector<ListedTest>& tests, const std::string& revision);

// Returns the absolute paths of the files that differ from the revision, and of those that git does
// not know yet and does not ignore.
std::set<std::string> changedFiles(const std::string& directory, const std::string& revision);

}  // namespace harness::selection
