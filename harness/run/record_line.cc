#include "harness/run/record_line.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <nlohmann/json.hpp>

#include "schema/support/base/text.h"

namespace harness::run {
namespace {

// A number of more characters, or one with an exponent, may be too large for a double.
constexpr size_t kPlainNumberMax = 300;

bool isAscii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= text.size(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    if ((word & kHighBits) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
  }
  return true;
}

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

// Goes over JSON text by the grammar of RFC 8259. Each function that returns false leaves its place
// undefined.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  const char* at() const { return at_; }
  bool isAtEnd() const { return at_ == end_; }

  void skipSpace() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }

  bool skip(char c) {
    skipSpace();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool skipString() {
    if (!skip('"')) return false;
    while (at_ != end_) {
      auto c = static_cast<unsigned char>(*at_++);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c == '\\' && !skipEscape()) return false;
    }
    return false;
  }

  bool skipName() { return skipString() && skip(':'); }

  // Values may lie deeper in each other than a stack is.
  bool skipValue() {
    std::string open;
    while (true) {
      skipSpace();
      if (at_ == end_) return false;
      if (*at_ == '{' || *at_ == '[') {
        open.push_back(*at_++);
        if (!skip(open.back() == '{' ? '}' : ']')) {
          if (open.back() == '{' && !skipName()) return false;
          continue;
        }
        open.pop_back();
      } else if (!skipScalar()) {
        return false;
      }
      if (!skipEnds(open)) return false;
      if (open.empty()) return true;
    }
  }

 private:
  // Behind a value: ends lists and objects up to the next comma, or all of them.
  bool skipEnds(std::string& open) {
    while (!open.empty()) {
      bool isObject = open.back() == '{';
      if (skip(',')) return !isObject || skipName();
      if (!skip(isObject ? '}' : ']')) return false;
      open.pop_back();
    }
    return true;
  }

  bool skipScalar() {
    if (*at_ == '"') return skipString();
    if (*at_ == '-' || isDigit(*at_)) return skipNumber();
    for (std::string_view word : {"true", "false", "null"}) {
      if (std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(word)) {
        at_ += word.size();
        return true;
      }
    }
    return false;
  }

  bool skipDigits() {
    const char* begin = at_;
    while (at_ != end_ && isDigit(*at_)) ++at_;
    return at_ != begin;
  }

  bool skipNumber() {
    const char* begin = at_;
    if (*at_ == '-') ++at_;
    if (at_ != end_ && *at_ == '0') {
      ++at_;
    } else if (!skipDigits()) {
      return false;
    }
    if (at_ != end_ && *at_ == '.' && (++at_, !skipDigits())) return false;
    bool hasExponent = at_ != end_ && (*at_ == 'e' || *at_ == 'E');
    if (hasExponent) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!skipDigits()) return false;
    }
    auto size = static_cast<size_t>(at_ - begin);
    if (!hasExponent && size <= kPlainNumberMax) return true;
    return std::isfinite(std::strtod(std::string(begin, size).c_str(), nullptr));
  }

  bool skipEscape() {
    if (at_ == end_) return false;
    char c = *at_++;
    if (c != 'u') return std::strchr("\"\\/bfnrt", c) != nullptr && c != '\0';
    int unit = codeUnit();
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return false;
    if (unit < 0xd800 || unit > 0xdfff) return true;
    if (end_ - at_ < 2 || *at_++ != '\\' || *at_++ != 'u') return false;
    unit = codeUnit();
    return unit >= 0xdc00 && unit <= 0xdfff;
  }

  // The four hexadecimal digits of \u; -1: there are none.
  int codeUnit() {
    if (end_ - at_ < 4) return -1;
    int unit = 0;
    auto [rest, error] = std::from_chars(at_, at_ + 4, unit, 16);
    if (error != std::errc() || rest != at_ + 4 || *at_ == '-') return -1;
    at_ += 4;
    return unit;
  }

  const char* at_;
  const char* end_;
};

bool hasEscapes(std::string_view text) {
  return std::memchr(text.data(), '\\', text.size()) != nullptr;
}

}  // namespace

std::string textOfJson(std::string_view json) {
  if (json.size() < 2 || json.front() != '"') return "";
  if (!hasEscapes(json)) return std::string(json.substr(1, json.size() - 2));
  nlohmann::json value = nlohmann::json::parse(json, nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<int64_t> numberOfJson(std::string_view json) {
  if (json.empty() || (json.front() != '-' && !isDigit(json.front()))) return std::nullopt;
  int64_t number = 0;
  auto [rest, error] = std::from_chars(json.data(), json.data() + json.size(), number);
  if (error == std::errc() && rest == json.data() + json.size()) return number;
  double value = std::strtod(std::string(json).c_str(), nullptr);
  constexpr double kLimit = 9.2e18;
  if (!(value > -kLimit && value < kLimit)) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::vector<std::string> textsOfJson(std::string_view json) {
  std::vector<std::string> texts;
  Scanner scanner(json);
  if (!scanner.skip('[')) return texts;
  while (!scanner.skip(']')) {
    scanner.skip(',');
    scanner.skipSpace();
    const char* begin = scanner.at();
    if (!scanner.skipValue()) return texts;
    std::string_view value(begin, static_cast<size_t>(scanner.at() - begin));
    if (value.front() == '"') texts.push_back(textOfJson(value));
  }
  return texts;
}

void RecordLine::clear() {
  fields_.clear();
  names_.clear();
}

bool RecordLine::add(std::string_view text) {
  if (!isAscii(text) && !support::isUtf8(text)) return false;
  Scanner scanner(text);
  if (!scanner.skip('{')) return false;
  bool isEmpty = scanner.skip('}');
  while (!isEmpty) {
    scanner.skipSpace();
    const char* name = scanner.at();
    if (!scanner.skipString()) return false;
    std::string_view quoted(name, static_cast<size_t>(scanner.at() - name));
    if (!scanner.skip(':')) return false;
    scanner.skipSpace();
    const char* value = scanner.at();
    if (!scanner.skipValue()) return false;
    Field field{.name = quoted.substr(1, quoted.size() - 2),
                .json = {value, static_cast<size_t>(scanner.at() - value)}};
    if (hasEscapes(quoted)) field.name = names_.emplace_back(textOfJson(quoted));
    fields_.push_back(field);
    if (scanner.skip(',')) continue;
    if (!scanner.skip('}')) return false;
    break;
  }
  scanner.skipSpace();
  return scanner.isAtEnd();
}

std::string_view RecordLine::json(std::string_view name) const {
  for (auto field = fields_.rbegin(); field != fields_.rend(); ++field) {
    if (field->name == name) return field->json;
  }
  return {};
}

}  // namespace harness::run
