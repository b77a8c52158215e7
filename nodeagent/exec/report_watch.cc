#include "nodeagent/exec/report_watch.h"

#include <ctype.h>

#include <algorithm>

namespace nodeagent::exec {
namespace {

// A line shows itself within this many bytes.
constexpr size_t kLastBytes = 256;

size_t lineOf(std::string_view text, size_t position) {
  size_t newline = position == 0 ? std::string_view::npos : text.rfind('\n', position - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

// Sanitizers name themselves behind one of these words. A program that only speaks of one does not.
size_t findNamed(std::string_view text) {
  constexpr std::string_view kName = "Sanitizer: ";
  for (size_t at = text.find(kName); at != std::string_view::npos; at = text.find(kName, at + 1)) {
    size_t line = lineOf(text, at);
    std::string_view before = text.substr(line, at - line);
    for (std::string_view word : {"ERROR: ", "WARNING: "}) {
      size_t begin = before.find(word);
      if (begin == std::string_view::npos) continue;
      std::string_view name = before.substr(begin + word.size());
      if (!name.empty() &&
          std::all_of(name.begin(), name.end(), [](unsigned char c) { return isalpha(c); })) {
        return line;
      }
    }
  }
  return std::string_view::npos;
}

// "panic: runtime error: " is of another kind: a place in the source stands before ours.
size_t findUndefined(std::string_view text) {
  constexpr std::string_view kName = ": runtime error: ";
  for (size_t at = text.find(kName); at != std::string_view::npos; at = text.find(kName, at + 1)) {
    if (at > 0 && isdigit(static_cast<unsigned char>(text[at - 1]))) return lineOf(text, at);
  }
  return std::string_view::npos;
}

}  // namespace

size_t findReport(std::string_view text) {
  return std::min(findNamed(text), findUndefined(text));
}

void ReportWatch::look(std::string_view bytes) {
  if (report_.empty()) {
    std::string text = last_;
    text += bytes;
    size_t begin = findReport(text);
    if (begin == std::string_view::npos) {
      last_ = text.size() > kLastBytes ? text.substr(text.size() - kLastBytes) : std::move(text);
      return;
    }
    report_ = text.substr(begin, kReportBytesMax);
    last_.clear();
    return;
  }
  if (report_.size() < kReportBytesMax)
    report_ += bytes.substr(0, kReportBytesMax - report_.size());
}

}  // namespace nodeagent::exec
