// The runs and tests that the commands mean which show what has been: `runs`, `show`, `history` and
// `query`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/cli/arguments.h"
#include "harness/history/run_index.h"

namespace harness {

// Opens and refreshes the index of --runs-dir and calls `work`: see history::withIndex. Throws
// CommandError with kExitNoInput if there is no such directory, and turns a DatabaseError into one.
void withRuns(const Arguments& arguments, const std::function<void(history::RunIndex&)>& work);

// Calls `work`, and throws CommandError where it throws a DatabaseError.
void translated(const std::function<void()>& work);

// Returns the directory of a run: its path, its id, a beginning of it, or "latest". Throws
// CommandError with kExitNoInput.
std::string runDirectoryFor(const Arguments& arguments, const std::string& run);

// Returns the id of the test that `text` means. Throws CommandError with kExitNoInput.
std::string testFor(const std::vector<std::string>& known, const std::string& text);

}  // namespace harness
