#include "harness/report/requirements.h"

#include <map>
#include <optional>

#include "harness/report/csv.h"
#include "harness/report/markdown.h"
#include "harness/report/run_facts.h"

namespace harness::report {
namespace {

using run::Outcome;
using run::TestResult;

// The outcome of one test in each column, in the order of the columns.
using Row = std::vector<std::optional<Outcome>>;

// By requirement and test. Tests that name no requirement are under the empty one.
using Matrix = std::map<std::string, std::map<std::string, Row>>;

Matrix matrixOf(const MergedRuns& merged) {
  Matrix matrix;
  for (size_t i = 0; i < merged.columns.size(); ++i) {
    for (const TestResult& test : merged.columns[i].result.tests) {
      std::vector<std::string> requirements = test.requirements;
      if (requirements.empty()) requirements = {""};
      for (const std::string& requirement : requirements) {
        Row& row = matrix[requirement][test.id()];
        row.resize(merged.columns.size());
        row[i] = test.outcome;
      }
    }
  }
  return matrix;
}

// The worst outcome of a requirement's tests in one column: a skipped one verifies nothing, and
// does not outweigh one that passed.
std::string verdictOf(const std::map<std::string, Row>& tests, size_t column) {
  std::optional<Outcome> worst;
  for (const auto& [test, row] : tests) {
    if (!row[column]) continue;
    worst = worst ? worseOf(*worst, *row[column]) : *row[column];
  }
  return worst ? std::string(wordOf(*worst)) : "no test";
}

std::string wordAt(const Row& row, size_t column) {
  return row[column] ? std::string(wordOf(*row[column])) : "";
}

}  // namespace

std::string requirementsCsv(const MergedRuns& merged, const FormatOptions& options) {
  static_cast<void>(options);
  std::string text = csvRow({"requirement", "test", "column", "outcome", "green"});
  for (const auto& [requirement, tests] : matrixOf(merged)) {
    for (const auto& [test, row] : tests) {
      for (size_t i = 0; i < row.size(); ++i) {
        if (!row[i]) continue;
        text += csvRow({requirement, test, merged.columns[i].name, wordAt(row, i),
                        run::isGreen(*row[i]) ? "yes" : "no"});
      }
    }
  }
  return text;
}

std::string requirementsMarkdown(const MergedRuns& merged, const FormatOptions& options) {
  static_cast<void>(options);
  Matrix matrix = matrixOf(merged);
  std::string text = "# Requirements\n\nRuns:";
  for (const run::RunRecord& run : merged.runs) text += " " + markdownCode(run.id);
  text += "\n\n| requirement | test |";
  std::string rule = "|---|---|";
  for (const Column& column : merged.columns) {
    text += " " + (column.name.empty() ? std::string("outcome") : markdownCode(column.name)) + " |";
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (const auto& [requirement, tests] : matrix) {
    if (requirement.empty()) continue;
    text += "| **" + markdownCode(requirement) + "** | " + std::to_string(tests.size()) + " |";
    for (size_t i = 0; i < merged.columns.size(); ++i) {
      text += " **" + verdictOf(tests, i) + "** |";
    }
    text += "\n";
    for (const auto& [test, row] : tests) {
      text += "| | " + markdownCode(test) + " |";
      for (size_t i = 0; i < row.size(); ++i) text += " " + wordAt(row, i) + " |";
      text += "\n";
    }
  }
  auto without = matrix.find("");
  if (without == matrix.end()) return text;
  text += "\nTests that name no requirement: " + std::to_string(without->second.size()) + "\n\n";
  for (const auto& [test, row] : without->second) text += "* " + markdownCode(test) + "\n";
  return text;
}

}  // namespace harness::report
