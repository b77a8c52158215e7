#include "harness/log/rules.h"

#include <fnmatch.h>
#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <tuple>

#include "harness/values/failure_text.h"

namespace harness::logs {
namespace {

using muster::LogLine;
using muster::LogRule;

constexpr size_t kPatternBytesMax = 4096;
constexpr int kBeforeLinesMax = 1000;

RE2::Options quietOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

bool finds(const RE2& pattern, const std::string& text) {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

// Lines that have nothing in common. A pattern that matches all of them tells nothing apart.
const std::vector<std::string>& probes() {
  static const std::vector<std::string> kProbes = {
      "x",
      "7",
      " ",
      "[2026-11-30 09:55:43.123456] I [MSGID: 100030] 0-main: started",
      "Nov 30 09:55:43 host sshd[812]: Accepted publickey for root",
      "{\"level\":\"info\"}",
      "\xc3\xa4\xc3\xb6",
      "-- END --"};
  return kProbes;
}

// A day of the calendar in the form YYYY-MM-DD.
bool isDay(const std::string& text) {
  std::tm parsed{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d", &parsed);
  if (text.size() != 10 || !end || *end != '\0') return false;
  std::tm normal = parsed;
  normal.tm_isdst = -1;
  ::timegm(&normal);
  return normal.tm_mday == parsed.tm_mday && normal.tm_mon == parsed.tm_mon;
}

// A node would refuse to look for more, and only at the end of the first test.
std::string countProblem(const muster::Logs& logs) {
  std::vector<LogRule> rules = logs.failOn;
  rules.insert(rules.end(), logs.allow.begin(), logs.allow.end());
  size_t count = patternsOf(rules).size();
  if (count <= kPatternsMax) return "";
  return "failOn and allow have " + std::to_string(count) + " patterns, at most " +
         std::to_string(kPatternsMax) + " are possible; join some by |, as in \"A|B\"";
}

}  // namespace

std::string patternProblem(const std::string& pattern) {
  std::string name = "pattern " + inQuotes(pattern);
  if (pattern.empty()) return "the pattern is empty; it is to say which lines are meant";
  if (pattern.size() > kPatternBytesMax) {
    return name + " has over " + std::to_string(kPatternBytesMax) + " bytes";
  }
  RE2 compiled(pattern, quietOptions());
  if (!compiled.ok()) {
    return name + " does not compile: " + compiled.error() +
           "; it is to be a regular expression of RE2";
  }
  if (finds(compiled, "")) {
    return name + " matches the empty string, and so every line; it is to name what the line has";
  }
  bool matchesAll = std::all_of(probes().begin(), probes().end(),
                                [&](const std::string& probe) { return finds(compiled, probe); });
  if (!matchesAll) return "";
  return name + " matches lines of every kind; it is to name what the line has";
}

std::string ruleProblem(const LogRule& rule, RuleUse use, const std::string& day) {
  if (std::string problem = patternProblem(rule.pattern); !problem.empty()) return problem;
  std::string name = "rule " + inQuotes(rule.pattern);
  if (rule.reason.empty()) return name + " has no reason; say why it is there";
  if (rule.files.empty()) return name + ": files is empty; \"*\" means all";
  if (rule.nodes.empty()) return name + ": nodes is empty; \"*\" means all";
  if (!rule.expires.empty() && !isDay(rule.expires)) {
    return name + ": expires " + inQuotes(rule.expires) + " is no day such as \"2027-06-30\"";
  }
  if (!rule.expires.empty() && rule.expires < day) {
    return name + " has expired on " + rule.expires + ", and today is " + day +
           "; remove it, or set a later day (its reason: " + rule.reason + ")";
  }
  if (rule.before.empty()) return "";
  if (use == RuleUse::kFailOn) {
    return name + ": before means nothing in failOn; it belongs to a rule of allow";
  }
  if (rule.beforeLines < 1 || rule.beforeLines > kBeforeLinesMax) {
    return name + ": beforeLines is " + std::to_string(rule.beforeLines) + "; it is from 1 to " +
           std::to_string(kBeforeLinesMax);
  }
  std::string problem = patternProblem(rule.before);
  return problem.empty() ? "" : name + ": before: " + problem;
}

std::string rulesProblem(const muster::Logs& logs, const std::string& day) {
  for (auto [rules, use, list] : {std::tuple(&logs.failOn, RuleUse::kFailOn, "failOn"),
                                  std::tuple(&logs.allow, RuleUse::kAllow, "allow")}) {
    for (size_t i = 0; i < rules->size(); ++i) {
      std::string problem = ruleProblem((*rules)[i], use, day);
      if (!problem.empty()) return std::string(list) + "[" + std::to_string(i) + "]: " + problem;
    }
  }
  for (const muster::LogSource& source : logs.sources) {
    bool isPath = !source.name().empty() && source.name()[0] == '/';
    if (source.kind() != muster::LogSource::Kind::kFiles || isPath) continue;
    return "sources: " + inQuotes(source.name()) +
           " is to be an absolute path or a pattern of such";
  }
  if (std::string problem = countProblem(logs); !problem.empty()) return problem;
  bool hasRules = !logs.failOn.empty() || !logs.allow.empty();
  if (hasRules && logs.sources.empty()) return "there are rules and no sources; name the logs";
  return "";
}

std::string today() {
  std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof(text), "%Y-%m-%d", &parts);
  return text;
}

CompiledRule::CompiledRule(const LogRule& rule)
    : rule_(rule), pattern_(std::make_unique<RE2>(rule.pattern, quietOptions())) {
  if (!rule.before.empty()) before_ = std::make_unique<RE2>(rule.before, quietOptions());
}

CompiledRule::~CompiledRule() = default;
CompiledRule::CompiledRule(CompiledRule&&) noexcept = default;

bool CompiledRule::isAbout(const LogLine& line) const {
  return ::fnmatch(rule_.files.c_str(), line.file.c_str(), 0) == 0 &&
         ::fnmatch(rule_.nodes.c_str(), line.node.c_str(), 0) == 0;
}

bool CompiledRule::matches(const LogLine& line) const {
  return isAbout(line) && finds(*pattern_, line.text);
}

bool CompiledRule::matchesBefore(const LogLine& line) const {
  return before_ && isAbout(line) && finds(*before_, line.text);
}

LineKey keyOf(const LogLine& line) {
  return {line.node, line.device, line.inode, line.offset, line.text};
}

// The lines of several files may stand between each other, so that the last `before` is known for
// each file.
std::vector<bool> allowedBy(const CompiledRule& rule, const std::vector<LogLine>& lines) {
  using File = std::tuple<std::string, uint64_t, uint64_t, std::string>;
  std::map<File, uint64_t> lastBefore;
  std::map<File, uint64_t> counts;
  std::vector<bool> allowed(lines.size(), false);
  for (size_t i = 0; i < lines.size(); ++i) {
    const LogLine& line = lines[i];
    File file{line.node, line.device, line.inode, line.inode == 0 ? line.file : ""};
    // What is not from a file has no numbers, and counts by the lines that came.
    uint64_t number = line.number > 0 ? line.number : ++counts[file];
    if (rule.matches(line)) {
      auto last = lastBefore.find(file);
      bool isNear = last != lastBefore.end() &&
                    number - last->second <= static_cast<uint64_t>(rule.rule().beforeLines);
      allowed[i] = rule.rule().before.empty() || isNear;
    }
    if (rule.matchesBefore(line)) lastBefore[file] = number;
  }
  return allowed;
}

std::vector<std::string> patternsOf(const std::vector<LogRule>& rules) {
  std::vector<std::string> patterns;
  for (const LogRule& rule : rules) {
    for (const std::string& pattern : {rule.pattern, rule.before}) {
      bool isKnown = std::find(patterns.begin(), patterns.end(), pattern) != patterns.end();
      if (!pattern.empty() && !isKnown) patterns.push_back(pattern);
    }
  }
  return patterns;
}

}  // namespace harness::logs
