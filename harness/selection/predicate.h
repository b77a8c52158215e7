// A predicate of an expression: what is asked of one test, such as label(slow). How predicates are
// joined is said by expression.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/outcome.h"
#include "harness/selection/expression.h"

namespace re2 {
class RE2;
}

namespace harness::selection {

enum class Subject {
  kComponent,
  kSuite,
  kTest,
  kFile,
  kLabel,
  kOwner,
  kRequirement,
  kNeeds,
  kOutcome,
  kDisruptive,
  kDisabled,
};

// Returns the names of all predicates.
std::vector<std::string> predicateNames();

// Absent: there is none of this name.
std::optional<Subject> subjectOf(const std::string& name);

// Tells whether it takes a value in brackets.
bool takesValue(Subject subject);

struct Predicate {
  enum class Match { kEqual, kPattern, kRegularExpression };
  enum class Comparison { kLess, kAtMost, kEqual, kNot, kAtLeast, kMore };

  Subject subject = Subject::kDisruptive;

  // The value, or the role of nodes.
  std::string text = {};
  Match match = Match::kEqual;
  // Shared by copies of the predicate, which are alike. Null: it has none.
  std::shared_ptr<const re2::RE2> expression = {};

  // That of needs(), by default at least one.
  Comparison comparison = Comparison::kAtLeast;
  int count = 1;

  run::Outcome outcome = run::Outcome::kFailed;
};

// A wrong value: where it begins in the text of the value, and why.
struct ValueProblem {
  size_t offset = 0;
  std::string text = {};
};

// Gives the predicate the value that stands in its brackets. Absent: the value is right.
std::optional<ValueProblem> readValue(const std::string& value, Predicate& predicate);

bool matches(const Predicate& predicate, const ListedTest& test, const Outcomes& outcomes);

// Returns what the tests have that the value could mean, for a proposal.
std::vector<std::string> knownValues(Subject subject, const std::vector<ListedTest>& tests);

}  // namespace harness::selection
