#include "harness/run/log_time.h"

#include <cctype>
#include <ctime>

#include "schema/support/base/text.h"

namespace harness::run {
namespace {

// A time stands at the beginning of its line, perhaps behind a priority or a bracket.
constexpr size_t kBeginMax = 32;
constexpr std::string_view kShape = "dddd-dd-dd_dd:dd:dd";
constexpr int64_t kSecond = 1'000'000'000;

bool hasShape(std::string_view text) {
  if (text.size() < kShape.size()) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    bool fits = kShape[i] == 'd'   ? support::isDigit(text[i])
                : kShape[i] == '_' ? text[i] == 'T' || text[i] == ' '
                                   : text[i] == kShape[i];
    if (!fits) return false;
  }
  return true;
}

int numberAt(std::string_view text, size_t at, size_t length) {
  int number = 0;
  for (char c : text.substr(at, length)) number = number * 10 + (c - '0');
  return number;
}

// Takes ".25" or ",250" off the text, and returns it in nanoseconds.
int64_t takeFraction(std::string_view& text) {
  if (text.empty() || (text[0] != '.' && text[0] != ',')) return 0;
  text.remove_prefix(1);
  int64_t fraction = 0;
  int64_t unit = kSecond;
  while (!text.empty() && support::isDigit(text[0])) {
    if (unit > 1) {
      unit /= 10;
      fraction += unit * (text[0] - '0');
    }
    text.remove_prefix(1);
  }
  return fraction;
}

// Tells whether the text is a word that begins with another one.
bool isWord(std::string_view text, std::string_view word) {
  return text.starts_with(word) &&
         (text.size() == word.size() ||
          std::isalnum(static_cast<unsigned char>(text[word.size()])) == 0);
}

// What stands behind a time.
struct Zone {
  enum class Kind { kSaid, kNone, kUnreadable };
  Kind kind = Kind::kNone;

  // How many seconds it is ahead of UTC.
  int64_t seconds = 0;
};

// Reads a zone such as "Z", "UTC", "+01:00" or " +0100". A sign with anything else behind it may be
// one that is not understood.
Zone zoneOf(std::string_view text) {
  if (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  for (const char* word : {"Z", "UTC", "GMT"}) {
    if (isWord(text, word)) return {Zone::Kind::kSaid, 0};
  }
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-') || !support::isDigit(text[1]))
    return {};
  size_t minutes = text.size() > 3 && text[3] == ':' ? 4 : 3;
  if (text.size() < minutes + 2) return {Zone::Kind::kUnreadable, 0};
  for (size_t at : {size_t{1}, size_t{2}, minutes, minutes + 1}) {
    if (!support::isDigit(text[at])) return {Zone::Kind::kUnreadable, 0};
  }
  int64_t seconds = numberAt(text, 1, 2) * 3600 + numberAt(text, minutes, 2) * 60;
  return {Zone::Kind::kSaid, text[0] == '+' ? seconds : -seconds};
}

struct LocalTime {
  // As if it were UTC.
  int64_t time = 0;
  Zone zone = {};
};

std::optional<LocalTime> readTime(std::string_view line) {
  for (size_t begin = 0; begin < line.size() && begin <= kBeginMax; ++begin) {
    std::string_view text = line.substr(begin);
    if (!hasShape(text)) continue;
    std::tm time{};
    time.tm_year = numberAt(text, 0, 4) - 1900;
    time.tm_mon = numberAt(text, 5, 2) - 1;
    time.tm_mday = numberAt(text, 8, 2);
    time.tm_hour = numberAt(text, 11, 2);
    time.tm_min = numberAt(text, 14, 2);
    time.tm_sec = numberAt(text, 17, 2);
    text.remove_prefix(kShape.size());
    int64_t fraction = takeFraction(text);
    return LocalTime{int64_t{::timegm(&time)} * kSecond + fraction, zoneOf(text)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> timeIn(std::string_view line) {
  auto read = readTime(line);
  if (!read || read->zone.kind != Zone::Kind::kSaid) return std::nullopt;
  return read->time - read->zone.seconds * kSecond;
}

std::optional<int64_t> localTimeIn(std::string_view line, int64_t utcOffset) {
  auto read = readTime(line);
  if (!read || read->zone.kind != Zone::Kind::kNone) return std::nullopt;
  return read->time - utcOffset;
}

}  // namespace harness::run
