#include "harness/report/log_level.h"

#include <algorithm>
#include <string>

namespace harness::report {
namespace {

// Behind this, a word belongs to what the line tells.
constexpr size_t kReadBytesMax = 120;

constexpr std::string_view kErrors[] = {"error", "err",   "crit",  "critical",
                                        "alert", "emerg", "fatal", "panic"};
constexpr std::string_view kWarnings[] = {"warn", "warning"};

bool isCapital(char c) {
  return c >= 'A' && c <= 'Z';
}

bool isLetter(char c) {
  return isCapital(c) || (c >= 'a' && c <= 'z');
}

bool isMarked(std::string_view before) {
  constexpr std::string_view kMarks = "[<(=|";
  return !before.empty() && kMarks.find(before.back()) != std::string_view::npos;
}

LogLevel levelOfLetter(char letter, std::string_view before, std::string_view behind) {
  if (!before.ends_with("] ") || !behind.starts_with(" [")) return LogLevel::kPlain;
  if (letter == 'W') return LogLevel::kWarning;
  bool isError = letter == 'E' || letter == 'C' || letter == 'A' || letter == 'M';
  return isError ? LogLevel::kError : LogLevel::kPlain;
}

}  // namespace

LogLevel logLevelOf(std::string_view word) {
  std::string lower;
  for (char c : word) lower += static_cast<char>(isCapital(c) ? c + 'a' - 'A' : c);
  if (std::count(std::begin(kErrors), std::end(kErrors), lower) > 0) return LogLevel::kError;
  bool isWarning = std::count(std::begin(kWarnings), std::end(kWarnings), lower) > 0;
  return isWarning ? LogLevel::kWarning : LogLevel::kPlain;
}

LogLevel logLevelIn(std::string_view line) {
  line = line.substr(0, kReadBytesMax);
  for (size_t at = 0; at < line.size();) {
    size_t end = at;
    while (end < line.size() && isLetter(line[end])) ++end;
    if (end == at) {
      ++at;
      continue;
    }
    std::string_view word = line.substr(at, end - at);
    std::string_view before = line.substr(0, at);
    LogLevel level = LogLevel::kPlain;
    if (word.size() == 1) {
      level = levelOfLetter(word[0], before, line.substr(end));
    } else if (isMarked(before) || std::all_of(word.begin(), word.end(), isCapital)) {
      level = logLevelOf(word);
    }
    if (level != LogLevel::kPlain) return level;
    at = end;
  }
  return LogLevel::kPlain;
}

}  // namespace harness::report
