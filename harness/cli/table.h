// Prints the findings of commands, as tables for people and as JSON for programs.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/values/table_text.h"

namespace harness {

// Keys in the order in which they were added.
using Json = nlohmann::ordered_json;

// "4s", "3m07s", "2h05m", "9d01h": at most seven characters up to 999 days.
std::string ageText(std::chrono::nanoseconds age);

enum class Layout { kLine, kIndented };

// Returns the text of `value`, with a newline. A text that is not UTF-8 has U+FFFD in the places
// that are not, and its bytes are beside it: those of the member NAME, a text or a list, are in
// NAME_base64.
std::string jsonText(const Json& value, Layout layout);

// Prints `value` to standard output, indented.
void printJson(const Json& value);

}  // namespace harness
