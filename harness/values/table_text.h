// Lays out rows of cells as a table for people.
#pragma once

#include <string>
#include <vector>

namespace harness {

// Columns as wide as their widest cell, two spaces apart; the first line is the head. A cell is
// made printable (schema/support/base/text.h), since much of it comes from nodes; an empty one is
// "-".
std::string table(const std::vector<std::vector<std::string>>& lines);

}  // namespace harness
