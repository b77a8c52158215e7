#include "nodeagent/facts/text.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include <kj/encoding.h>

#include "nodeagent/os/read_file.h"

namespace nodeagent::facts {

std::string readAllText(const std::string& path) {
  kj::String content = readFile(path.c_str());
  return {content.begin(), content.size()};
}

std::string readLine(const std::string& path) {
  return trim(readAllText(path));
}

uint64_t readNumber(const std::string& path) {
  return strtoull(readLine(path).c_str(), nullptr, 10);
}

std::vector<std::string> splitLines(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string trim(const std::string& text) {
  constexpr const char kBlanks[] = " \t\r\n";
  size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::vector<std::string> namesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename();
    if (name[0] != '.') names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<uint32_t> numbersIn(const std::string& directory, const std::string& prefix) {
  std::vector<uint32_t> numbers;
  for (auto& name : namesIn(directory)) {
    if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
    std::string digits = name.substr(prefix.size());
    if (digits.find_first_not_of("0123456789") != std::string::npos || digits.size() > 6) continue;
    numbers.push_back(static_cast<uint32_t>(strtoul(digits.c_str(), nullptr, 10)));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

kj::String plainText(const std::string& bytes) {
  bool utf8 = !kj::encodeUtf32(kj::arrayPtr(bytes.data(), bytes.size())).hadErrors;
  kj::String text = kj::heapString(bytes.data(), bytes.size());
  for (char& character : text) {
    auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) character = '?';
  }
  return text;
}

}  // namespace nodeagent::facts
