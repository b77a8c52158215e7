// An expression says by its parts which tests are meant:
//
//   label(slow) & !component(xrootd) & needs(server >= 3)
//
// Its grammar, its predicates and their values are described in docs/reference/selection.md. It
// knows one test at a time, and what became of that one in the last run.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/run/outcome.h"
#include "harness/selection/listed_test.h"

namespace harness::selection {

// What became of tests, by their ids.
using Outcomes = std::map<std::string, run::Outcome>;

// The text has the expression, and below it a caret at the place of the error.
class ExpressionError : public std::runtime_error {
 public:
  ExpressionError(const std::string& expression, size_t offset, const std::string& problem);

  // Counts characters from 1.
  size_t column() const { return column_; }

 private:
  size_t column_;
};

class Expression {
 public:
  // Throws ExpressionError.
  static Expression parse(const std::string& text);

  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;

  // Throws ExpressionError if a predicate that is not negated fits none of the tests whatever
  // stands beside it, as one of a misspelt label does.
  void check(const std::vector<ListedTest>& tests) const;

  bool matches(const ListedTest& test, const Outcomes& outcomes) const;

  // Tells whether it asks for outcomes of the last run.
  bool needsOutcomes() const;

  struct Node;

 private:
  Expression();

  enum class Sense { kPlain, kNegated };

  void check(size_t node, Sense sense, const std::vector<ListedTest>& tests) const;
  bool matches(size_t node, const ListedTest& test, const Outcomes& outcomes) const;

  std::string text_;
  // Those that a node is made of stand before it; the last one is the whole.
  std::vector<Node> nodes_;
};

}  // namespace harness::selection
