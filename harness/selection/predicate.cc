#include "harness/selection/predicate.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "harness/selection/names.h"
#include "schema/support/base/suggestion.h"

namespace harness::selection {
namespace {

using Match = Predicate::Match;
using Comparison = Predicate::Comparison;

constexpr std::pair<const char*, Subject> kSubjects[] = {
    {"component", Subject::kComponent},
    {"suite", Subject::kSuite},
    {"test", Subject::kTest},
    {"file", Subject::kFile},
    {"label", Subject::kLabel},
    {"owner", Subject::kOwner},
    {"requirement", Subject::kRequirement},
    {"needs", Subject::kNeeds},
    {"outcome", Subject::kOutcome},
    {"disruptive", Subject::kDisruptive},
    {"disabled", Subject::kDisabled},
};

// The longer before those that begin it.
constexpr std::pair<const char*, Comparison> kComparisons[] = {
    {">=", Comparison::kAtLeast}, {"<=", Comparison::kAtMost}, {"!=", Comparison::kNot},
    {"==", Comparison::kEqual},   {"=", Comparison::kEqual},   {"<", Comparison::kLess},
    {">", Comparison::kMore},
};

constexpr char kBlank[] = " \t\n";

size_t firstOf(const std::string& text, size_t from = 0) {
  return std::min(text.find_first_not_of(kBlank, from), text.size());
}

std::string withoutBlanks(const std::string& text) {
  size_t begin = firstOf(text);
  return begin == text.size() ? "" : text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// Takes a text out of its quotes, in which \" and \\ stand for the second character.
std::optional<ValueProblem> unquote(std::string& text, size_t offset) {
  if (text.empty() || text[0] != '"') return std::nullopt;
  std::string content;
  size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    bool isEscape =
        text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
    content += text[isEscape ? ++at : at];
  }
  if (at == text.size()) return ValueProblem{offset, "the quotation mark is not closed"};
  if (at + 1 < text.size()) {
    return ValueProblem{offset + at + 1, "nothing may follow the closing quotation mark"};
  }
  text = content;
  return std::nullopt;
}

std::optional<ValueProblem> readText(const std::string& value, Predicate& predicate) {
  size_t begin = firstOf(value);
  if (begin < value.size() && (value[begin] == '=' || value[begin] == '~')) {
    predicate.match = value[begin] == '=' ? Match::kPattern : Match::kRegularExpression;
    begin = firstOf(value, begin + 1);
  }
  std::string text = withoutBlanks(value.substr(begin));
  bool isQuoted = text.starts_with('"');
  if (auto problem = unquote(text, begin)) return problem;
  if (text.empty()) return ValueProblem{begin, "the value is missing"};
  predicate.text = text;
  bool isPlain = predicate.match == Match::kEqual && !isQuoted;
  if (size_t at = text.find_first_of("*?"); isPlain && at != std::string::npos) {
    return ValueProblem{begin + at, "a pattern is written behind =, as (=" + text + ")"};
  }
  if (predicate.match != Match::kRegularExpression) return std::nullopt;
  RE2::Options options;
  options.set_log_errors(false);
  auto expression = std::make_shared<const RE2>(text, options);
  if (!expression->ok()) {
    return ValueProblem{begin, "this is no regular expression of RE2: " + expression->error()};
  }
  predicate.expression = std::move(expression);
  return std::nullopt;
}

std::optional<ValueProblem> readNeeds(const std::string& value, Predicate& predicate) {
  size_t begin = firstOf(value);
  size_t sign = std::min(value.find_first_of("<>=!"), value.size());
  predicate.text = withoutBlanks(value.substr(begin, sign - std::min(sign, begin)));
  if (predicate.text.empty()) return ValueProblem{begin, "the role of nodes is missing"};
  if (size_t blank = predicate.text.find_first_of(kBlank); blank != std::string::npos) {
    return ValueProblem{firstOf(value, begin + blank),
                        "a comparison is expected, as in needs(server >= 3)"};
  }
  if (sign == value.size()) return std::nullopt;
  size_t behind = sign;
  for (const auto& [text, comparison] : kComparisons) {
    if (value.compare(sign, std::string_view(text).size(), text) != 0) continue;
    predicate.comparison = comparison;
    behind = sign + std::string_view(text).size();
    break;
  }
  if (behind == sign) return ValueProblem{sign, "the comparisons are <, <=, =, !=, >= and >"};
  size_t number = firstOf(value, behind);
  std::string digits = withoutBlanks(value.substr(number));
  const char* end = digits.data() + digits.size();
  auto [stop, error] = std::from_chars(digits.data(), end, predicate.count);
  if (error != std::errc() || stop != end || digits.empty() || predicate.count < 0) {
    return ValueProblem{number, "a number of nodes is expected, from 0"};
  }
  return std::nullopt;
}

std::optional<ValueProblem> readOutcome(const std::string& value, Predicate& predicate) {
  std::string word = withoutBlanks(value);
  if (auto outcome = run::outcomeOf(word)) {
    predicate.outcome = *outcome;
    predicate.text = word;
    return std::nullopt;
  }
  std::vector<std::string> known;
  for (int i = 0; i < run::kOutcomeCount; ++i) {
    known.emplace_back(run::wordOf(static_cast<run::Outcome>(i)));
  }
  return ValueProblem{firstOf(value),
                      "there is no outcome \"" + word + "\"" + support::suggestion(word, known)};
}

bool fitsText(const Predicate& predicate, const std::string& text) {
  switch (predicate.match) {
    case Match::kEqual:
      return text == predicate.text;
    case Match::kPattern:
      return fits(text, predicate.text);
    case Match::kRegularExpression:
      break;
  }
  return RE2::PartialMatch(text, *predicate.expression);
}

// A pattern may begin at any directory of the path.
bool fitsFile(const Predicate& predicate, const ListedTest& test) {
  if (predicate.match == Match::kEqual) return isAt(test, predicate.text);
  if (fitsText(predicate, test.file)) return true;
  if (predicate.match != Match::kPattern) return false;
  for (size_t at = test.file.find('/'); at != std::string::npos; at = test.file.find('/', at + 1)) {
    if (fitsText(predicate, test.file.substr(at + 1))) return true;
  }
  return false;
}

bool fitsNeeds(const Predicate& predicate, const ListedTest& test) {
  int has = 0;
  if (test.needs) {
    auto role = test.needs->nodes.find(predicate.text);
    if (role != test.needs->nodes.end()) has = role->second;
  }
  switch (predicate.comparison) {
    case Comparison::kLess:
      return has < predicate.count;
    case Comparison::kAtMost:
      return has <= predicate.count;
    case Comparison::kEqual:
      return has == predicate.count;
    case Comparison::kNot:
      return has != predicate.count;
    case Comparison::kAtLeast:
      return has >= predicate.count;
    case Comparison::kMore:
      break;
  }
  return has > predicate.count;
}

// The texts of a test of which one must fit.
std::vector<std::string> textsOf(Subject subject, const ListedTest& test) {
  switch (subject) {
    case Subject::kComponent:
      return {test.component};
    case Subject::kSuite:
      return suiteNames(test);
    case Subject::kTest: {
      std::vector<std::string> names = testNames(test);
      for (std::string& name : fullNames(test)) names.push_back(std::move(name));
      return names;
    }
    case Subject::kFile:
      return {test.file.substr(test.file.rfind('/') + 1)};
    case Subject::kLabel:
      return test.labels;
    case Subject::kOwner:
      return test.owner.empty() ? std::vector<std::string>() : std::vector{test.owner};
    case Subject::kRequirement:
      return test.requirements;
    case Subject::kNeeds: {
      std::vector<std::string> roles;
      if (!test.needs) return roles;
      for (const auto& [role, count] : test.needs->nodes) roles.push_back(role);
      return roles;
    }
    default:
      return {};
  }
}

}  // namespace

std::vector<std::string> predicateNames() {
  std::vector<std::string> names;
  for (const auto& [name, subject] : kSubjects) names.emplace_back(name);
  return names;
}

std::optional<Subject> subjectOf(const std::string& name) {
  for (const auto& [known, subject] : kSubjects) {
    if (name == known) return subject;
  }
  return std::nullopt;
}

bool takesValue(Subject subject) {
  return subject != Subject::kDisruptive && subject != Subject::kDisabled;
}

std::optional<ValueProblem> readValue(const std::string& value, Predicate& predicate) {
  if (predicate.subject == Subject::kNeeds) return readNeeds(value, predicate);
  if (predicate.subject == Subject::kOutcome) return readOutcome(value, predicate);
  return readText(value, predicate);
}

bool matches(const Predicate& predicate, const ListedTest& test, const Outcomes& outcomes) {
  switch (predicate.subject) {
    case Subject::kDisruptive:
      return test.isDisruptive;
    case Subject::kDisabled:
      return test.isDisabled;
    case Subject::kNeeds:
      return fitsNeeds(predicate, test);
    case Subject::kFile:
      return fitsFile(predicate, test);
    case Subject::kOutcome: {
      auto found = outcomes.find(test.id());
      return found != outcomes.end() && found->second == predicate.outcome;
    }
    default:
      break;
  }
  std::vector<std::string> texts = textsOf(predicate.subject, test);
  return std::any_of(texts.begin(), texts.end(),
                     [&predicate](const std::string& text) { return fitsText(predicate, text); });
}

std::vector<std::string> knownValues(Subject subject, const std::vector<ListedTest>& tests) {
  std::set<std::string> known;
  for (const ListedTest& test : tests) {
    for (std::string& text : textsOf(subject, test)) known.insert(std::move(text));
  }
  return {known.begin(), known.end()};
}

}  // namespace harness::selection
