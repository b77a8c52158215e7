// Tells whether a word means a test: by its names, its file, or a pattern. What a selector is made
// of such words is said by choose.h and expression.h.
#pragma once

#include <string>
#include <vector>

#include "harness/selection/listed_test.h"

namespace harness::selection {

// Return the names of a test's suite and of the test, each as gtest and as the source has it, once.
// The full ones are "SUITE.NAME".
std::vector<std::string> suiteNames(const ListedTest& test);
std::vector<std::string> testNames(const ListedTest& test);
std::vector<std::string> fullNames(const ListedTest& test);

// Tells whether the test's file is `path` or below it. A path that is not absolute is one or more
// names that follow each other in the file's path; a single one is that of the file, unless a slash
// ends it.
bool isAt(const ListedTest& test, const std::string& path);

// Tells whether all of `text` fits a pattern with * and ?.
bool fits(const std::string& text, const std::string& pattern);

}  // namespace harness::selection
