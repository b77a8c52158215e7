#include "harness/log/judge.h"

#include <sstream>

#include "harness/values/failure_text.h"

namespace harness::logs {
namespace {

using muster::LogLine;
using muster::LogRule;
using muster::LogSeverity;

constexpr size_t kShownMax = 10;

}  // namespace

Verdict judge(const muster::Logs& logs, const std::vector<LogLine>& lines,
              const std::set<LineKey>& allowed) {
  Verdict verdict;
  std::vector<bool> isAllowed(lines.size(), false);
  for (size_t rule = 0; rule < logs.allow.size(); ++rule) {
    std::vector<bool> byRule = allowedBy(CompiledRule(logs.allow[rule]), lines);
    for (size_t i = 0; i < lines.size(); ++i) {
      if (!byRule[i]) continue;
      isAllowed[i] = true;
      verdict.used.insert(rule);
    }
  }
  std::vector<CompiledRule> rules;
  for (const LogRule& rule : logs.failOn) rules.emplace_back(rule);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (isAllowed[i] || allowed.contains(keyOf(lines[i]))) continue;
    for (const CompiledRule& rule : rules) {
      if (!rule.matches(lines[i])) continue;
      verdict.findings.push_back({rule.rule().severity, lines[i], rule.rule()});
      // One rule that fails is enough; one that warns may be followed by one that fails.
      if (rule.rule().severity == LogSeverity::kFail) break;
    }
  }
  return verdict;
}

std::string findingsText(const std::vector<Finding>& findings, LogSeverity severity) {
  std::ostringstream text;
  size_t count = 0;
  for (const Finding& finding : findings) {
    if (finding.severity != severity || ++count > kShownMax) continue;
    text << "\n  ";
    PrintTo(finding.line, &text);
    text << "\n    by rule " << inQuotes(finding.rule.pattern) << ": " << finding.rule.reason;
  }
  if (count == 0) return "";
  if (count > kShownMax) text << "\n  and " << count - kShownMax << " more";
  return std::to_string(count) + (count == 1 ? " line" : " lines") + " of the logs" + text.str();
}

}  // namespace harness::logs
