// Prints the findings of commands, as tables for people and as JSON for programs.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace harness {

// Keys in the order in which they were added.
using Json = nlohmann::ordered_json;

// Columns as wide as their widest cell, two spaces apart; the first line is the head. A cell is
// printed with control characters escaped, since much of it comes from nodes; an empty one as "-".
std::string table(const std::vector<std::vector<std::string>>& lines);

// "4s", "3m07s", "2h05m", "9d01h": at most seven characters up to 999 days.
std::string ageText(std::chrono::nanoseconds age);

// To standard output, indented. Bytes that are not UTF-8 become U+FFFD.
void printJson(const Json& value);

}  // namespace harness
