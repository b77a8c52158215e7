#include "harness/values/table_text.h"

#include <algorithm>

#include "schema/support/base/text.h"

namespace harness {
namespace {

std::string plain(const std::string& cell) {
  return cell.empty() ? "-" : support::printable(cell);
}

// Columns that a terminal uses, for text without wide or combining characters.
size_t widthOf(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::vector<std::string>> cells;
  std::vector<size_t> widths;
  for (const auto& line : lines) {
    auto& shown = cells.emplace_back();
    for (const std::string& cell : line) shown.push_back(plain(cell));
    widths.resize(std::max(widths.size(), shown.size()));
    for (size_t i = 0; i < shown.size(); ++i) widths[i] = std::max(widths[i], widthOf(shown[i]));
  }
  std::string text;
  for (const auto& line : cells) {
    for (size_t i = 0; i + 1 < line.size(); ++i) {
      text += line[i] + std::string(widths[i] - widthOf(line[i]) + 2, ' ');
    }
    if (!line.empty()) text += line.back();
    text += "\n";
  }
  return text;
}

}  // namespace harness
