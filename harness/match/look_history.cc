#include "harness/match/look_history.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr size_t kFirstEntries = 2;
constexpr size_t kEntriesMax = 10;
constexpr size_t kSeenBytesMax = 200;

// Keeps both ends of a long text. Values are printed by gtest, so a text is in quotes already.
std::string shortened(std::string_view seen) {
  constexpr size_t kHalf = kSeenBytesMax / 2;
  if (seen.size() <= kSeenBytesMax) return std::string(seen);
  return std::string(seen.substr(0, kHalf)) + "…" + std::string(seen.substr(seen.size() - kHalf));
}

// An entry is one line.
std::string inOneLine(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
    text.replace(at, 1, " | ");
  }
  return text;
}

// Two commands that end alike take different times. Their durations, such as "12.3 ms", are no
// change of what is seen.
std::string withoutDurations(std::string_view text) {
  auto isOfNumber = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '.'; };
  auto unitBytes = [](std::string_view rest) -> size_t {
    for (std::string_view unit : {" ns", " us", " ms", " s", " min", " h"}) {
      if (!rest.starts_with(unit)) continue;
      bool isWord = rest.size() > unit.size() &&
                    std::isalnum(static_cast<unsigned char>(rest[unit.size()])) != 0;
      if (!isWord) return unit.size();
    }
    return 0;
  };
  std::string kept;
  while (!text.empty()) {
    size_t digits = 0;
    while (digits < text.size() && isOfNumber(text[digits])) ++digits;
    size_t unit = digits == 0 ? 0 : unitBytes(text.substr(digits));
    size_t bytes = std::max<size_t>(digits, 1);
    if (unit == 0) kept += text.substr(0, bytes);
    text.remove_prefix(unit == 0 ? bytes : digits + unit);
  }
  return kept;
}

}  // namespace

void LookHistory::note(std::string_view seen, std::chrono::nanoseconds at) {
  std::string kept = shortened(seen);
  std::string compared = withoutDurations(kept);
  if (!entries_.empty() && entries_.back().compared == compared) {
    ++entries_.back().looks;
    return;
  }
  if (entries_.size() == kEntriesMax) {
    entries_.erase(entries_.begin() + kFirstEntries);
    ++leftOut_;
  }
  entries_.push_back({std::move(kept), std::move(compared), at, 1});
}

std::string LookHistory::text() const {
  std::string text;
  for (size_t i = 0; i + 1 < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (i == kFirstEntries && leftOut_ > 0) {
      text += "\n  … " + std::to_string(leftOut_) + " more changes …";
    }
    text += "\n  at " + durationText(entry.at) + ": " + inOneLine(entry.seen) + " (" +
            std::to_string(entry.looks) + (entry.looks == 1 ? " look)" : " looks)");
  }
  return text;
}

}  // namespace harness
