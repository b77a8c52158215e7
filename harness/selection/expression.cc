#include "harness/selection/expression.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "harness/selection/predicate.h"
#include "schema/support/base/suggestion.h"
#include "schema/support/base/text.h"

namespace harness::selection {

struct Expression::Node {
  enum class Kind { kPredicate, kNot, kAnd, kOr };

  Kind kind = Kind::kPredicate;
  Predicate predicate = {};
  // Where the predicate begins in the text.
  size_t offset = 0;
  // What it is made of; kNot has the first one only.
  size_t first = 0;
  size_t second = 0;
};

namespace {

using NodeKind = Expression::Node::Kind;

// The parser calls itself for each level.
constexpr size_t kDepthMax = 100;
constexpr size_t kBytesMax = 64 << 10;

// Returns the characters of the text before a byte of it.
size_t charactersBefore(const std::string& text, size_t offset) {
  auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
  return static_cast<size_t>(std::count_if(
      text.begin(), end, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Each byte that is no character to be shown becomes one blank, so that the caret stands right.
std::string shown(std::string text) {
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
  }
  return support::printable(text);
}

bool isWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// Recursive descent, a function for each line of the grammar. Each returns the place of its node.
class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  std::vector<Expression::Node> parse() {
    if (text_.size() > kBytesMax) fail(0, "the expression has over 64 KiB");
    if (peek() == 0)
      fail(at_, "the expression is empty; it begins with a predicate, as label(slow)");
    disjunction();
    if (peek() == ')') fail(at_, "this bracket closes nothing");
    if (peek() != 0) fail(at_, "& or | is expected before it");
    return std::move(nodes_);
  }

 private:
  [[noreturn]] void fail(size_t offset, const std::string& problem) const {
    throw ExpressionError(text_, offset, problem);
  }

  // Returns the next character that is no blank; 0: there is none.
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char sign) {
    if (peek() != sign) return false;
    ++at_;
    if (sign != '(' && sign != '!' && at_ < text_.size() && text_[at_] == sign) {
      fail(at_, std::string("one ") + sign + " is enough");
    }
    return true;
  }

  size_t add(Expression::Node node) {
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  size_t disjunction() {
    size_t left = conjunction();
    while (take('|')) {
      size_t right = conjunction();
      left = add({.kind = NodeKind::kOr, .first = left, .second = right});
    }
    return left;
  }

  size_t conjunction() {
    size_t left = negation();
    while (take('&')) {
      size_t right = negation();
      left = add({.kind = NodeKind::kAnd, .first = left, .second = right});
    }
    return left;
  }

  size_t negation() {
    if (++depth_ > kDepthMax) fail(at_, "brackets and negations are over 100 deep");
    size_t node = 0;
    if (take('!')) {
      size_t inner = negation();
      node = add({.kind = NodeKind::kNot, .first = inner});
    } else if (size_t open = (peek(), at_); take('(')) {
      node = disjunction();
      if (peek() != ')')
        fail(peek() == 0 ? open : at_,
             peek() == 0 ? "this bracket is not closed" : "& or | is expected before it");
      ++at_;
    } else {
      node = predicate();
    }
    --depth_;
    return node;
  }

  size_t predicate() {
    peek();
    size_t begin = at_;
    while (at_ < text_.size() && isWordCharacter(text_[at_])) ++at_;
    std::string name = text_.substr(begin, at_ - begin);
    if (name.empty()) fail(begin, "a predicate is expected, as label(slow)");
    if (name == "and" || name == "or" || name == "not") {
      fail(begin, "\"" + name + "\" is written " +
                      (name == "and"  ? "&"
                       : name == "or" ? "|"
                                      : "!"));
    }
    auto subject = subjectOf(name);
    if (!subject) {
      fail(begin,
           "there is no predicate \"" + name + "\"" + support::suggestion(name, predicateNames()));
    }
    Expression::Node node{.predicate = {.subject = *subject}, .offset = begin};
    readBrackets(name, node.predicate);
    return add(std::move(node));
  }

  void readBrackets(const std::string& name, Predicate& predicate) {
    size_t open = at_;
    bool hasBrackets = peek() == '(';
    if (!hasBrackets && !takesValue(predicate.subject)) return;
    if (!hasBrackets) fail(open, name + " takes a value, as " + name + "(…)");
    open = at_;
    size_t close = closingOf(open);
    std::string value = text_.substr(open + 1, close - open - 1);
    at_ = close + 1;
    if (!takesValue(predicate.subject)) {
      if (value.find_first_not_of(" \t\n") != std::string::npos)
        fail(open + 1, name + " takes no value");
      return;
    }
    if (auto problem = readValue(value, predicate)) fail(open + 1 + problem->offset, problem->text);
  }

  // Brackets in a value stand in pairs, unless they are in quotation marks.
  size_t closingOf(size_t open) const {
    size_t depth = 0;
    bool isQuoted = false;
    for (size_t at = open; at < text_.size(); ++at) {
      char c = text_[at];
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        isQuoted = !isQuoted;
      } else if (!isQuoted && c == '(') {
        ++depth;
      } else if (!isQuoted && c == ')' && --depth == 0) {
        return at;
      }
    }
    fail(open, isQuoted ? "a quotation mark behind this bracket is not closed"
                        : "this bracket is not closed");
  }

  const std::string& text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  std::vector<Expression::Node> nodes_;
};

}  // namespace

ExpressionError::ExpressionError(const std::string& expression, size_t offset,
                                 const std::string& problem)
    : std::runtime_error("column " + std::to_string(charactersBefore(expression, offset) + 1) +
                         ": " + problem + "\n  " + shown(expression) + "\n  " +
                         std::string(charactersBefore(expression, offset), ' ') + "^"),
      column_(charactersBefore(expression, offset) + 1) {}

Expression::Expression() = default;
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

Expression Expression::parse(const std::string& text) {
  Expression expression;
  expression.text_ = text;
  expression.nodes_ = Parser(expression.text_).parse();
  return expression;
}

void Expression::check(const std::vector<ListedTest>& tests) const {
  check(nodes_.size() - 1, Sense::kPlain, tests);
}

void Expression::check(size_t place, Sense sense, const std::vector<ListedTest>& tests) const {
  const Node& node = nodes_[place];
  if (node.kind != Node::Kind::kPredicate) {
    Sense other = sense == Sense::kPlain ? Sense::kNegated : Sense::kPlain;
    check(node.first, node.kind == Node::Kind::kNot ? other : sense, tests);
    if (node.kind != Node::Kind::kNot) check(node.second, sense, tests);
    return;
  }
  const Predicate& predicate = node.predicate;
  // Outcomes come and go: none of the last run is nothing to complain about.
  if (sense == Sense::kNegated || predicate.subject == Subject::kOutcome) return;
  if (!takesValue(predicate.subject)) return;
  auto fits = [&predicate](const ListedTest& test) {
    return selection::matches(predicate, test, {});
  };
  if (std::any_of(tests.begin(), tests.end(), fits)) return;
  bool isProposed = predicate.match == Predicate::Match::kEqual;
  throw ExpressionError(text_, node.offset,
                        "it fits none of the " + std::to_string(tests.size()) + " tests" +
                            (isProposed ? support::nearestSuggestion(
                                              predicate.text, knownValues(predicate.subject, tests))
                                        : ""));
}

bool Expression::matches(const ListedTest& test, const Outcomes& outcomes) const {
  return matches(nodes_.size() - 1, test, outcomes);
}

bool Expression::matches(size_t place, const ListedTest& test, const Outcomes& outcomes) const {
  const Node& node = nodes_[place];
  switch (node.kind) {
    case Node::Kind::kPredicate:
      return selection::matches(node.predicate, test, outcomes);
    case Node::Kind::kNot:
      return !matches(node.first, test, outcomes);
    case Node::Kind::kAnd:
      return matches(node.first, test, outcomes) && matches(node.second, test, outcomes);
    case Node::Kind::kOr:
      break;
  }
  return matches(node.first, test, outcomes) || matches(node.second, test, outcomes);
}

bool Expression::needsOutcomes() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const Node& node) {
    return node.kind == Node::Kind::kPredicate && node.predicate.subject == Subject::kOutcome;
  });
}

}  // namespace harness::selection
