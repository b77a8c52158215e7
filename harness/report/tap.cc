#include "harness/report/tap.h"

#include <cstdio>

#include "harness/report/run_facts.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Attempt;
using run::Outcome;
using run::TestResult;

// In a description, a number sign begins a directive, and a backslash escapes it.
std::string described(const std::string& text) {
  std::string line;
  for (char c : support::printable(text)) {
    if (c == '#' || c == '\\') line += '\\';
    line += c;
  }
  return line;
}

// A scalar of YAML in double quotes, whose escapes are those of JSON. Characters that need no
// escape stay as they are: readers of a part of YAML know few escapes.
std::string scalar(const std::string& text) {
  std::string quoted = "\"";
  for (char c : support::printable(text, support::Lines::kMany)) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

class Writer {
 public:
  explicit Writer(const MergedRuns& merged) : merged_(merged) {}

  std::string write() {
    for (const Column& column : merged_.columns) {
      for (const TestResult& test : column.result.tests) addTest(column, test);
      for (const OutsideProblem& problem : outsideProblemsOf(merged_, column)) {
        addPoint(false, prefixOf(column) + problem.name, "");
        block_ = "";
        field("outcome", std::string(wordOf(problem.outcome)));
        field("message", problem.text);
        endBlock();
      }
    }
    std::string plan = "1.." + std::to_string(number_);
    if (number_ == 0) plan += " # SKIP nothing ran";
    // Nothing here is beyond version 13, and `prove` of Debian 12 refuses documents of a later one.
    std::string head = "TAP version 13\n" + plan + "\n";
    for (const run::RunRecord& run : merged_.runs) head += "# run " + described(run.id) + "\n";
    for (const std::string& remark : merged_.remarks) head += "# " + described(remark) + "\n";
    std::string end;
    if (isCancelled_) end = "Bail out! the run was cancelled\n";
    return head + text_ + end;
  }

 private:
  std::string prefixOf(const Column& column) const {
    return merged_.columns.size() == 1 || column.name.empty() ? "" : column.name + "/";
  }

  void addPoint(bool isOk, const std::string& name, const std::string& directive) {
    text_ += (isOk ? "ok " : "not ok ") + std::to_string(++number_) + " - " + described(name);
    if (!directive.empty()) text_ += " # " + directive;
    text_ += "\n";
  }

  void addTest(const Column& column, const TestResult& test) {
    const Attempt& telling = tellingAttemptOf(test);
    std::string because = described(test.because);
    bool isOk = run::isGreen(test.outcome);
    std::string directive;
    if (test.outcome == Outcome::kSkipped) directive = "SKIP " + because;
    // A waived failure is what TAP calls to be done: it is expected not to be ok.
    if (test.outcome == Outcome::kWaived) {
      isOk = false;
      directive = "TODO " + because;
    }
    if (test.outcome == Outcome::kUnexpectedlyPassed) directive = "TODO " + because;
    if (test.outcome == Outcome::kCancelled) isCancelled_ = true;
    addPoint(isOk, prefixOf(column) + test.id(), directive);
    if (test.outcome == Outcome::kPassed) return;
    block_ = "";
    field("outcome", std::string(wordOf(test.outcome)));
    field("message", storyOf(telling).empty() ? test.because : storyOf(telling));
    if (!telling.failures.empty() && !telling.failures.front().file.empty()) {
      field("file", telling.failures.front().file);
      block_ += "  line: " + std::to_string(telling.failures.front().line) + "\n";
    }
    field("owner", test.owner);
    list("requirements", test.requirements);
    list("nodes", telling.nodes);
    if (test.attempts.size() > 1) list("attempts", attemptsOf(test));
    char seconds[48];
    std::snprintf(seconds, sizeof seconds, "  duration_ms: %.3f\n", telling.seconds * 1000);
    block_ += seconds;
    endBlock();
  }

  static std::vector<std::string> attemptsOf(const TestResult& test) {
    std::vector<std::string> attempts;
    for (const Attempt& attempt : test.attempts) {
      attempts.push_back(std::string(wordOf(attempt.outcome)));
    }
    return attempts;
  }

  void field(const char* name, const std::string& value) {
    if (!value.empty()) block_ += std::string("  ") + name + ": " + scalar(value) + "\n";
  }

  void list(const char* name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    block_ += std::string("  ") + name + ":\n";
    for (const std::string& value : values) block_ += "    - " + scalar(value) + "\n";
  }

  void endBlock() { text_ += "  ---\n" + block_ + "  ...\n"; }

  const MergedRuns& merged_;
  std::string text_;
  std::string block_;
  size_t number_ = 0;
  bool isCancelled_ = false;
};

}  // namespace

std::string tapText(const MergedRuns& merged, const FormatOptions& options) {
  static_cast<void>(options);
  return Writer(merged).write();
}

}  // namespace harness::report
