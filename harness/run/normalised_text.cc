#include "harness/run/normalised_text.h"

#include <algorithm>

#include "schema/support/base/text.h"

namespace harness::run {
namespace {

constexpr size_t kHexWordLeast = 8;
constexpr size_t kReadFactor = 16;
constexpr size_t kUuidParts[] = {8, 4, 4, 4, 12};

bool isHexDigit(char c) {
  return support::isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool isWord(char c) {
  return support::isDigit(c) || isLetter(c) || c == '_';
}

// Each function takes a part of the beginning of a text, and tells whether it was there. After one
// that says no, the place is where it was.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  size_t at() const { return at_; }
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool isAtWordEnd() const { return !isWord(next()); }

  bool one(std::string_view choices) {
    if (at_ >= text_.size() || choices.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }

  // "00:00" is two digits, a colon and two digits; "x" is a hexadecimal digit.
  bool form(std::string_view form) {
    if (text_.size() - at_ < form.size()) return false;
    for (size_t i = 0; i < form.size(); ++i) {
      char c = text_[at_ + i];
      bool fits = form[i] == '0'   ? support::isDigit(c)
                  : form[i] == 'x' ? isHexDigit(c)
                                   : form[i] == c;
      if (!fits) return false;
    }
    at_ += form.size();
    return true;
  }

  // Takes as many as there are, and returns their number.
  template <typename Is>
  size_t all(Is is) {
    size_t begin = at_;
    while (at_ < text_.size() && is(text_[at_])) ++at_;
    return at_ - begin;
  }

  bool word(std::string_view names, size_t size) {
    for (size_t i = 0; i + size <= names.size(); i += size) {
      if (text_.substr(at_, size) == names.substr(i, size)) {
        at_ += size;
        return true;
      }
    }
    return false;
  }

  void back(size_t at) { at_ = at; }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// "02:45:01.25 +0100". The zone and the fraction need not be there.
bool takeClock(Reader& reader) {
  if (!reader.form("00:00:00")) return false;
  size_t end = reader.at();
  if (reader.one(".,") && reader.all(support::isDigit) > 0) end = reader.at();
  reader.back(end);
  reader.one(" ");
  bool isZone =
      reader.one("Z") || (reader.one("+-") && (reader.form("00:00") || reader.form("0000")));
  if (!isZone || !reader.isAtWordEnd()) reader.back(end);
  return true;
}

size_t timeLength(std::string_view text) {
  Reader reader(text);
  if (reader.form("0000-00-00") || reader.form("0000/00/00")) {
    return reader.one("T ") && takeClock(reader) ? reader.at() : 0;
  }
  if (reader.word("MonTueWedThuFriSatSun", 3)) {
    reader.one(",");
    if (!reader.one(" ")) return 0;
  }
  size_t begin = reader.at();
  if (reader.word("JanFebMarAprMayJunJulAugSepOctNovDec", 3)) {
    size_t blanks = reader.all([](char c) { return c == ' '; });
    size_t digits = reader.all(support::isDigit);
    reader.one(",");
    bool isDay = blanks > 0 && digits >= 1 && digits <= 2 && reader.one(" ");
    return isDay && takeClock(reader) ? reader.at() : 0;
  }
  return begin == 0 && takeClock(reader) && reader.isAtWordEnd() ? reader.at() : 0;
}

size_t uuidLength(std::string_view text) {
  Reader reader(text);
  for (size_t part : kUuidParts) {
    if (reader.at() > 0 && !reader.one("-")) return 0;
    if (reader.all(isHexDigit) != part) return 0;
  }
  return reader.isAtWordEnd() ? reader.at() : 0;
}

size_t hardwareAddressLength(std::string_view text) {
  Reader reader(text);
  return reader.form("xx:xx:xx:xx:xx:xx") && reader.isAtWordEnd() && reader.next() != ':'
             ? reader.at()
             : 0;
}

// A port or the length of a prefix, if one of them is there.
void takePort(Reader& reader) {
  size_t end = reader.at();
  size_t most = reader.next() == '/' ? 3 : 5;
  if (!reader.one(":/")) return;
  size_t digits = reader.all(support::isDigit);
  if (digits == 0 || digits > most || !reader.isAtWordEnd()) reader.back(end);
}

size_t ip4Length(std::string_view text) {
  Reader reader(text);
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && !reader.one(".")) return 0;
    size_t digits = reader.all(support::isDigit);
    if (digits == 0 || digits > 3) return 0;
  }
  size_t end = reader.at();
  bool goesOn = !reader.isAtWordEnd() || (reader.one(".") && support::isDigit(reader.next()));
  if (goesOn) return 0;
  reader.back(end);
  takePort(reader);
  return reader.at();
}

// Eight groups, or fewer with one "::".
bool takeIp6(Reader& reader) {
  size_t groups = 0;
  size_t gaps = 0;
  while (true) {
    size_t digits = reader.all(isHexDigit);
    if (digits > 4) return false;
    groups += digits > 0 ? 1 : 0;
    size_t begin = reader.at();
    if (!reader.one(":")) break;
    if (reader.one(":")) {
      ++gaps;
    } else if (digits == 0) {
      return false;
    } else if (!isHexDigit(reader.next())) {
      // The colon of a sentence.
      reader.back(begin);
      break;
    }
  }
  size_t end = reader.at();
  if (reader.one("%") && reader.all(isWord) == 0) reader.back(end);
  bool isWhole = gaps == 0 ? groups == 8 : gaps == 1 && groups >= 1 && groups <= 7;
  return isWhole && reader.isAtWordEnd();
}

size_t ip6Length(std::string_view text) {
  Reader reader(text);
  bool isBracketed = reader.one("[");
  if (!takeIp6(reader)) return 0;
  if (!isBracketed) return reader.at();
  if (!reader.one("]")) return 0;
  takePort(reader);
  return reader.at();
}

size_t pointerLength(std::string_view text) {
  Reader reader(text);
  bool isMarked = reader.one("0") && reader.one("xX");
  return isMarked && reader.all(isHexDigit) > 0 && reader.isAtWordEnd() ? reader.at() : 0;
}

// "deadbeef" alone may be a word, and "facade" is; one with a digit is no word. One with nothing
// but digits is a number, however long it has become.
size_t hexWordLength(std::string_view text) {
  Reader reader(text);
  size_t size = reader.all(isHexDigit);
  if (size < kHexWordLeast || !reader.isAtWordEnd()) return 0;
  std::string_view word = text.substr(0, size);
  auto digits = static_cast<size_t>(std::count_if(word.begin(), word.end(), support::isDigit));
  auto isSmall = [](char c) { return c >= 'a' && c <= 'f'; };
  auto small = static_cast<size_t>(std::count_if(word.begin(), word.end(), isSmall));
  bool isOneCase = small == 0 || small == size - digits;
  return digits > 0 && digits < size && isOneCase ? size : 0;
}

size_t numberLength(std::string_view text) {
  Reader reader(text);
  if (reader.all(support::isDigit) == 0) return 0;
  size_t end = reader.at();
  while (reader.one(".") && reader.all(support::isDigit) > 0) end = reader.at();
  reader.back(end);
  if (!reader.one("eE")) return end;
  reader.one("+-");
  return reader.all(support::isDigit) > 0 ? reader.at() : end;
}

// Returns the length of a directory of temporary files, with its slashes.
size_t temporaryLength(std::string_view text) {
  for (std::string_view directory : {"/var/tmp/", "/tmp/", "/run/", "/dev/shm/"}) {
    if (text.starts_with(directory)) return directory.size();
  }
  return 0;
}

bool isInTemporaryName(char c) {
  constexpr std::string_view kEnds = " \t\n\v\f\r/:;,\"'])>";
  return kEnds.find(c) == std::string_view::npos;
}

struct Form {
  size_t (*length)(std::string_view text);
  std::string_view placeholder;
};

// A time and a UUID have numbers in them, and an address of hardware looks like a time.
constexpr Form kForms[] = {
    {hardwareAddressLength, "<address>"},
    {timeLength, "<time>"},
    {uuidLength, "<uuid>"},
    {ip4Length, "<address>"},
    {ip6Length, "<address>"},
    {pointerLength, "<pointer>"},
    {hexWordLength, "<hex>"},
};

class Normaliser {
 public:
  explicit Normaliser(std::string_view text) : text_(text) {}

  std::string normalise() {
    while (at_ < text_.size()) {
      bool isBegin = at_ == 0 || !isWord(text_[at_ - 1]);
      if (!(isBegin && takeForm()) && !takeTemporary()) takePlain();
    }
    return std::move(result_);
  }

 private:
  bool takeForm() {
    char c = text_[at_];
    if (!isWord(c) && c != '[' && c != ':') return false;
    std::string_view rest = text_.substr(at_);
    for (const Form& form : kForms) {
      if (size_t length = form.length(rest)) return replace(length, form.placeholder);
    }
    // A number behind a dot is part of a name, such as libkv.so.6.
    if (at_ > 0 && text_[at_ - 1] == '.') return false;
    size_t length = numberLength(rest);
    return length > 0 && replace(length, "<n>");
  }

  bool replace(size_t length, std::string_view placeholder) {
    result_ += placeholder;
    at_ += length;
    return true;
  }

  bool takeTemporary() {
    size_t length = temporaryLength(text_.substr(at_));
    if (length == 0) return false;
    result_ += text_.substr(at_, length);
    at_ += length;
    Reader reader(text_.substr(at_));
    size_t name = reader.all(isInTemporaryName);
    return name == 0 || replace(name, "<temporary>");
  }

  // One character, or the rest of a word.
  void takePlain() {
    do {
      result_ += text_[at_++];
    } while (at_ < text_.size() && isWord(text_[at_ - 1]) && isWord(text_[at_]));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string result_;
};

}  // namespace

std::string normalisedText(std::string_view text, size_t bytesMax) {
  std::string result = Normaliser(support::beginningOf(text, kReadFactor * bytesMax)).normalise();
  return std::string(support::beginningOf(result, bytesMax));
}

}  // namespace harness::run
