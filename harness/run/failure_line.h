// Picks the line by which people know a failure.
#pragma once

#include <string>
#include <string_view>

namespace harness::run {

// Returns the first line of a failure's text that says something, as printable text: gtest begins
// that of FAIL() with a line of its own. Empty: there is none.
std::string failureLine(std::string_view text);

}  // namespace harness::run
