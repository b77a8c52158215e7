#include "harness/cluster/node_expression.h"

#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr size_t kDigitsMax = 15;

bool isNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

bool hasLeadingZero(std::string_view digits) {
  return digits.size() > 1 && digits[0] == '0';
}

std::string padded(uint64_t value, size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

class Parser {
 public:
  Parser(std::string_view text, const NodeGroups& groups) : text_(text), groups_(groups) {}

  std::vector<std::string> parse() {
    std::vector<std::string> result;
    skipBlanks();
    if (atEnd()) fail("the set is empty");
    apply(',', result, term());
    while (true) {
      char operation = skipBlanks() ? ' ' : ',';
      if (atEnd()) break;
      if (isOperator(peek())) {
        operation = take();
        skipBlanks();
        if (atEnd() || isOperator(peek())) fail("a name is missing here");
      } else if (operation != ' ') {
        fail(std::string("'") + peek() + "' cannot be in a name");
      }
      apply(operation, result, term());
    }
    return result;
  }

 private:
  static bool isOperator(char c) { return c == ',' || c == '!' || c == '&' || c == '^'; }

  bool atEnd() const { return position_ == text_.size(); }
  char peek() const { return text_[position_]; }
  char take() { return text_[position_++]; }
  bool skipBlanks() {
    size_t before = position_;
    while (!atEnd() && std::isspace(static_cast<unsigned char>(peek())) != 0) ++position_;
    return position_ != before;
  }
  [[noreturn]] void fail(const std::string& reason) const {
    throw NodeExpressionError(position_, reason);
  }
  [[noreturn]] static void failAt(size_t position, const std::string& reason) {
    throw NodeExpressionError(position, reason);
  }

  std::vector<std::string> term() { return peek() == '@' ? group() : pattern(); }

  std::vector<std::string> group() {
    size_t start = position_++;
    std::string name;
    while (!atEnd() && (isNameCharacter(peek()) || peek() == '=' || peek() == '*')) name += take();
    if (name.empty()) fail("a role or a label is missing after '@'");
    std::optional<std::vector<std::string>> members;
    if (groups_) members = groups_(name);
    if (!members) failAt(start, "there is no role or label \"@" + name + "\" here");
    return *members;
  }

  // Reads names with any number of bracketed ranges.
  std::vector<std::string> pattern() {
    size_t start = position_;
    std::vector<std::string> names = {""};
    while (!atEnd() && (isNameCharacter(peek()) || peek() == '[')) {
      std::vector<std::string> parts = peek() == '[' ? brackets() : literal();
      if (names.size() * parts.size() > kNodeExpressionNamesMax) failAt(start, tooMany());
      std::vector<std::string> longer;
      longer.reserve(names.size() * parts.size());
      for (const std::string& name : names) {
        for (const std::string& part : parts) longer.push_back(name + part);
      }
      names = std::move(longer);
    }
    if (position_ == start) fail(std::string("'") + peek() + "' cannot be in a name");
    return names;
  }

  std::vector<std::string> literal() {
    std::string text;
    while (!atEnd() && isNameCharacter(peek())) text += take();
    return {text};
  }

  std::vector<std::string> brackets() {
    size_t open = position_++;
    std::vector<std::string> parts;
    while (true) {
      range(parts, open);
      if (atEnd()) failAt(open, "this bracket is never closed");
      char c = take();
      if (c == ']') return parts;
      if (c != ',') failAt(position_ - 1, std::string("expected ',' or ']' and found '") + c + "'");
    }
  }

  void range(std::vector<std::string>& parts, size_t open) {
    size_t start = position_;
    std::string first = number(open);
    std::string last = first;
    uint64_t step = 1;
    if (!atEnd() && peek() == '-') {
      ++position_;
      last = number(open);
      if (!atEnd() && peek() == '/') {
        ++position_;
        step = std::stoull(number(open));
        if (step == 0) failAt(start, "a step of 0 never ends");
      }
    }
    if (hasLeadingZero(last) && last.size() != first.size()) {
      failAt(start, "the ends of a range are padded to different widths");
    }
    uint64_t from = std::stoull(first);
    uint64_t to = std::stoull(last);
    if (from > to) failAt(start, "the range " + first + "-" + last + " runs backwards");
    if ((to - from) / step + 1 + parts.size() > kNodeExpressionNamesMax) failAt(start, tooMany());
    size_t width = hasLeadingZero(first) || first.size() == last.size() ? first.size() : 0;
    for (uint64_t value = from; value <= to; value += step) parts.push_back(padded(value, width));
  }

  std::string number(size_t open) {
    size_t start = position_;
    std::string digits;
    while (!atEnd() && support::isDigit(peek())) digits += take();
    if (digits.empty() && atEnd()) failAt(open, "this bracket is never closed");
    if (digits.empty()) fail(std::string("expected a number and found '") + peek() + "'");
    if (digits.size() > kDigitsMax) failAt(start, "the number " + digits + " is too long");
    return digits;
  }

  static std::string tooMany() {
    return "more than " + std::to_string(kNodeExpressionNamesMax) + " names in one set";
  }

  void apply(char operation, std::vector<std::string>& left,
             const std::vector<std::string>& right) {
    std::unordered_set<std::string> in(left.begin(), left.end());
    std::unordered_set<std::string> other(right.begin(), right.end());
    if (operation == '!' || operation == '^') {
      std::erase_if(left, [&other](const std::string& name) { return other.count(name) != 0; });
    }
    if (operation == '&') {
      std::erase_if(left, [&other](const std::string& name) { return other.count(name) == 0; });
    }
    if (operation == ',' || operation == ' ' || operation == '^') {
      for (const std::string& name : right) {
        if (in.insert(name).second) left.push_back(name);
      }
    }
    if (left.size() > kNodeExpressionNamesMax) fail(tooMany());
  }

  std::string_view text_;
  const NodeGroups& groups_;
  size_t position_ = 0;
};

// A name cut where numbers begin and end. `texts` has one more entry than `numbers`.
struct Folded {
  std::vector<std::string> texts;
  std::vector<std::vector<std::string>> numbers;
};

Folded cut(const std::string& name) {
  Folded folded;
  folded.texts.emplace_back();
  for (size_t i = 0; i < name.size();) {
    size_t end = i;
    while (end < name.size() && support::isDigit(name[end])) ++end;
    if (end == i || end - i > kDigitsMax) {
      end = std::max(end, i + 1);
      folded.texts.back() += name.substr(i, end - i);
    } else {
      folded.numbers.push_back({name.substr(i, end - i)});
      folded.texts.emplace_back();
    }
    i = end;
  }
  return folded;
}

// Sorts unpadded numbers first, then the others by width, as in "9,10,011".
void sortNumbers(std::vector<std::string>& numbers) {
  std::unordered_set<size_t> paddedWidths;
  for (const std::string& number : numbers) {
    if (hasLeadingZero(number)) paddedWidths.insert(number.size());
  }
  auto key = [&paddedWidths](const std::string& number) {
    size_t width = paddedWidths.count(number.size()) != 0 ? number.size() : 0;
    return std::pair(width, std::stoull(number));
  };
  std::sort(numbers.begin(), numbers.end(),
            [&key](const std::string& a, const std::string& b) { return key(a) < key(b); });
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

std::string rangesOf(const std::vector<std::string>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    size_t width = hasLeadingZero(numbers[i]) ? numbers[i].size() : 0;
    uint64_t value = std::stoull(numbers[i]);
    while (last + 1 < numbers.size() && numbers[last + 1] == padded(value + last + 1 - i, width))
      ++last;
    text += (text.empty() ? "" : ",") + numbers[i];
    if (last > i) text += "-" + numbers[last];
    i = last + 1;
  }
  return text;
}

std::string print(const Folded& folded) {
  std::string text = folded.texts[0];
  for (size_t i = 0; i < folded.numbers.size(); ++i) {
    bool one = folded.numbers[i].size() == 1;
    text += one ? folded.numbers[i][0] : "[" + rangesOf(folded.numbers[i]) + "]";
    text += folded.texts[i + 1];
  }
  return text;
}

// Joins two that differ in dimension `d` only.
bool join(Folded& into, const Folded& other, size_t d) {
  if (into.texts != other.texts) return false;
  for (size_t i = 0; i < into.numbers.size(); ++i) {
    if (i != d && into.numbers[i] != other.numbers[i]) return false;
  }
  into.numbers[d].insert(into.numbers[d].end(), other.numbers[d].begin(), other.numbers[d].end());
  return true;
}

// Joins the members of `folded` that differ in dimension `d` only.
void foldDimension(std::vector<Folded>& folded, size_t d) {
  std::vector<Folded> result;
  for (Folded& each : folded) {
    bool joined = false;
    for (auto candidate = result.rbegin(); candidate != result.rend() && !joined; ++candidate) {
      joined = d < each.numbers.size() && join(*candidate, each, d);
    }
    if (!joined) result.push_back(std::move(each));
  }
  for (Folded& each : result) {
    if (d < each.numbers.size()) sortNumbers(each.numbers[d]);
  }
  folded = std::move(result);
}

}  // namespace

std::vector<std::string> expandNodeExpression(std::string_view text, const NodeGroups& groups) {
  return Parser(text, groups).parse();
}

std::string foldNodeNames(const std::vector<std::string>& names) {
  std::vector<Folded> folded;
  size_t dimensions = 0;
  for (const std::string& name : names) {
    folded.push_back(cut(name));
    dimensions = std::max(dimensions, folded.back().numbers.size());
  }
  for (size_t d = dimensions; d-- > 0;) foldDimension(folded, d);
  std::string text;
  for (const Folded& each : folded) text += (text.empty() ? "" : ",") + print(each);
  return text;
}

}  // namespace harness
