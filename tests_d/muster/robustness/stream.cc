#include "tests_d/muster/robustness/stream.h"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace robustness {
namespace {

std::string hex(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof(text), "%08x", value);
  return text;
}

// Returns the number that a line carries, or -1 if it is no line or was damaged.
int64_t numberOf(const std::string& name, const std::string& line) {
  if (line.rfind(name + " ", 0) != 0) return -1;
  size_t sum = line.rfind(' ');
  if (sum + 9 != line.size() || hex(checksum(line.substr(0, sum))) != line.substr(sum + 1)) {
    return -1;
  }
  return std::strtoll(line.c_str() + name.size() + 1, nullptr, 10);
}

std::string excerpt(const std::string& text) {
  return "\"" + text.substr(0, 60) + (text.size() > 60 ? "…\"" : "\"");
}

}  // namespace

uint32_t checksum(const std::string& text) {
  uint32_t crc = 0xffffffff;
  for (unsigned char byte : text) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

std::string streamLine(const std::string& name, uint64_t number) {
  std::string line = name + " " + std::to_string(number) + " ";
  line.append((number * 7919) % 83 + 1, static_cast<char>('a' + number % 26));
  return line + " " + hex(checksum(line)) + "\n";
}

std::string streamText(const std::string& name, uint64_t lines) {
  std::string text;
  for (uint64_t number = 0; number < lines; ++number) text += streamLine(name, number);
  return text;
}

std::string streamFlaw(const std::string& name, uint64_t lines, const std::string& text,
                       Extent extent) {
  size_t begin = 0;
  for (uint64_t number = 0; number < lines; ++number) {
    if (begin == text.size()) {
      if (extent == Extent::kBeginning) return "";
      return name + ": ends before line " + std::to_string(number) + " of " + std::to_string(lines);
    }
    std::string expected = streamLine(name, number);
    std::string found = text.substr(begin, expected.size());
    begin += found.size();
    if (found == expected) continue;
    if (expected.rfind(found, 0) == 0) {
      if (extent == Extent::kBeginning) return "";
      return name + ": ends within line " + std::to_string(number);
    }
    size_t lineBegin = begin - found.size();
    std::string line = text.substr(lineBegin, text.find('\n', lineBegin) - lineBegin);
    int64_t claims = numberOf(name, line);
    std::string where = name + ": at byte " + std::to_string(lineBegin) + ", for line " +
                        std::to_string(number) + ": ";
    if (claims < 0) return where + "damaged or foreign bytes " + excerpt(line);
    if (claims < static_cast<int64_t>(number)) {
      return where + "line " + std::to_string(claims) + " again";
    }
    return where + "line " + std::to_string(claims) + "; those between are missing or come later";
  }
  if (begin < text.size()) {
    return name + ": " + std::to_string(text.size() - begin) +
           " bytes after the end: " + excerpt(text.substr(begin));
  }
  return "";
}

}  // namespace robustness
