#include "harness/report/csv.h"

#include <cstdio>

#include "harness/report/run_facts.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Attempt;
using run::TestResult;

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

std::string secondsText(double seconds) {
  char text[48];
  std::snprintf(text, sizeof text, "%.6f", seconds);
  return text;
}

std::string timeText(int64_t nanoseconds) {
  return nanoseconds == run::Item::kNever ? ""
                                          : secondsText(static_cast<double>(nanoseconds) / 1e9);
}

std::string cellOf(const std::string& value) {
  std::string text = support::printable(value, support::Lines::kMany);
  if (!text.empty() && std::string("=+-@\t").find(text[0]) != std::string::npos) {
    text.insert(0, 1, '\'');
  }
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string rowOf(const MergedRuns& merged, const Column& column, size_t place, size_t number) {
  const TestResult& test = column.result.tests[place];
  const Attempt& attempt = test.attempts[number];
  return csvRow({merged.runs[column.runOfAttempt[place][number]].id, column.name, test.component,
                 test.suite, test.name, std::to_string(attempt.repeat),
                 std::to_string(attempt.number), std::string(wordOf(attempt.outcome)),
                 std::string(wordOf(test.outcome)), timeText(attempt.begin),
                 secondsText(attempt.seconds), joined(attempt.nodes), attempt.program, test.owner,
                 joined(test.labels), joined(test.requirements), test.file,
                 test.line > 0 ? std::to_string(test.line) : "", reasonOf(attempt)});
}

}  // namespace

std::string csvRow(const std::vector<std::string>& cells) {
  std::string row;
  for (size_t i = 0; i < cells.size(); ++i) row += (i == 0 ? "" : ",") + cellOf(cells[i]);
  return row + "\r\n";
}

std::string csvText(const MergedRuns& merged, const FormatOptions& options) {
  static_cast<void>(options);
  std::string text =
      csvRow({"run", "column", "component", "suite", "test", "repeat", "attempt", "outcome",
              "test_outcome", "begin_seconds", "seconds", "nodes", "program", "owner", "labels",
              "requirements", "file", "line", "reason"});
  for (const Column& column : merged.columns) {
    for (size_t i = 0; i < column.result.tests.size(); ++i) {
      for (size_t k = 0; k < column.result.tests[i].attempts.size(); ++k) {
        text += rowOf(merged, column, i, k);
      }
    }
  }
  return text;
}

}  // namespace harness::report
