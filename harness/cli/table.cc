#include "harness/cli/table.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace harness {
namespace {

std::string plain(const std::string& cell) {
  std::string text;
  for (char c : cell) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      text += c;
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      text += escaped;
    }
  }
  return text.empty() ? "-" : text;
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

std::string ageText(std::chrono::nanoseconds age) {
  long long seconds =
      std::max<long long>(0, std::chrono::duration_cast<std::chrono::seconds>(age).count());
  char text[48];
  if (seconds < 60) {
    std::snprintf(text, sizeof text, "%llds", seconds);
  } else if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%lldm%02llds", seconds / 60, seconds % 60);
  } else if (seconds < 24 * 3600) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
  } else {
    std::snprintf(text, sizeof text, "%lldd%02lldh", seconds / 86400, seconds / 3600 % 24);
  }
  return text;
}

void printJson(const Json& value) {
  std::cout << value.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace harness
