// Decides which rules of logs may be, and which lines they are about. It reads no log.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <muster/log_rules.h>

namespace re2 {
class RE2;
}

namespace harness::logs {

// Says why a pattern cannot be used, with what would be right. Empty: it can.
std::string patternProblem(const std::string& pattern);

enum class RuleUse { kFailOn, kAllow };

// Says the same of a whole rule. `today` is a day such as "2027-06-30".
std::string ruleProblem(const muster::LogRule& rule, RuleUse use, const std::string& today);

// A node takes this many patterns in one call (schema/log.capnp), and a suite's rules are looked
// for in one.
inline constexpr size_t kPatternsMax = 64;

// Returns the first problem of all rules. That of one rule begins with its place, such as
// "failOn[2]".
std::string rulesProblem(const muster::Logs& logs, const std::string& today);

// Today in UTC.
std::string today();

// A rule whose patterns are compiled. It must have no problem.
class CompiledRule {
 public:
  explicit CompiledRule(const muster::LogRule& rule);
  ~CompiledRule();
  CompiledRule(CompiledRule&&) noexcept;

  const muster::LogRule& rule() const { return rule_; }

  // Tells whether the rule is about the line, whatever stands before it.
  bool matches(const muster::LogLine& line) const;

  // Tells whether its `before` is about the line. False if it has none.
  bool matchesBefore(const muster::LogLine& line) const;

 private:
  bool isAbout(const muster::LogLine& line) const;

  muster::LogRule rule_;
  std::unique_ptr<re2::RE2> pattern_;
  std::unique_ptr<re2::RE2> before_;
};

// Names a line on its node, whatever its file is called.
struct LineKey {
  std::string node;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t offset = 0;
  std::string text;

  auto operator<=>(const LineKey&) const = default;
};
LineKey keyOf(const muster::LogLine& line);

// Tells which of `lines`, in order, a rule of allow allows.
std::vector<bool> allowedBy(const CompiledRule& rule, const std::vector<muster::LogLine>& lines);

// Returns every pattern that the rules look for, each once: only such lines have to be read.
std::vector<std::string> patternsOf(const std::vector<muster::LogRule>& rules);

}  // namespace harness::logs
