#include "harness/report/markdown.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "harness/report/run_facts.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Attempt;
using run::Outcome;
using run::TestResult;
using enum support::TestExitStatus;

constexpr size_t kLinesMax = 12;
constexpr size_t kLineBytesMax = 300;
constexpr size_t kNameBytesMax = 200;
constexpr size_t kRemarkBytesMax = 1000;

// A fence is longer than any run of backticks in what it encloses.
std::string fenceFor(const std::string& text) {
  size_t longest = 2;
  size_t current = 0;
  for (char c : text) {
    current = c == '`' ? current + 1 : 0;
    longest = std::max(longest, current);
  }
  return std::string(longest + 1, '`');
}

std::string blockOf(std::string story) {
  while (!story.empty() && story.back() == '\n') story.pop_back();
  std::string text;
  size_t lines = 0;
  size_t begin = 0;
  while (begin < story.size() && lines < kLinesMax) {
    size_t end = std::min(story.find('\n', begin), story.size());
    text += firstLineOf(story.substr(begin, end - begin), kLineBytesMax) + "\n";
    begin = end + 1;
    ++lines;
  }
  auto more = begin < story.size()
                  ? std::count(story.begin() + static_cast<long>(begin), story.end(), '\n') + 1
                  : 0;
  if (more > 0) text += "… " + std::to_string(more) + " more lines\n";
  std::string fence = fenceFor(text);
  return fence + "text\n" + text + fence + "\n";
}

std::string headlineOf(const MergedRuns& merged) {
  switch (merged.exitStatus) {
    case kExitPassed:
      return "✅ passed";
    case kExitFailed:
      return "❌ failed";
    case kExitInfrastructure:
      return "⚠️ infrastructure failed";
    case kExitNothingRan:
      return "⚠️ nothing ran";
    case kExitCancelled:
      return "⚠️ cancelled";
  }
  return "❌ exit status " + std::to_string(merged.exitStatus);
}

std::string secondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}

class Writer {
 public:
  Writer(const MergedRuns& merged, const FormatOptions& options)
      : merged_(merged), options_(options) {
    for (const run::RunRecord& run : merged_.runs) {
      facts_.push_back(factsOf(run));
      attempts_.emplace_back(run);
    }
  }

  std::string write() {
    text_ = "## Muster: " + headlineOf(merged_) + "\n\n";
    addRuns();
    addTotals();
    for (const std::string& remark : merged_.remarks) {
      text_ += "* " + markdownCode(firstLineOf(remark, kRemarkBytesMax)) + "\n";
    }
    addMatrix();
    for (const Column& column : merged_.columns) addColumn(column);
    if (leftOut_ > 0) {
      text_ += "\n" + std::to_string(leftOut_) + " more are left out: this text has a limit.\n";
    }
    return text_;
  }

 private:
  void addRuns() {
    for (const RunFacts& run : facts_) {
      text_ += "* run " + linked(markdownCode(run.id), "");
      if (!run.wall) {
        text_ += "\n";
        continue;
      }
      text_ += ", " + utcText(run.wall);
      if (!run.seed.empty()) text_ += ", seed " + markdownCode(run.seed);
      if (!run.revision.empty()) {
        text_ += ", revision " + markdownCode(run.revision.substr(0, 12)) +
                 (run.isDirty ? " with changes" : "");
      }
      if (!run.nodes.empty()) text_ += ", " + std::to_string(run.nodes.size()) + " nodes";
      text_ += "\n";
    }
    text_ += "\n";
  }

  void addTotals() {
    bool hasColumns = merged_.columns.size() > 1;
    text_ += hasColumns ? "| outcome | all |" : "| outcome | tests |";
    std::string rule = "|---|---|";
    for (const Column& column : merged_.columns) {
      if (!hasColumns) break;
      text_ += " " + markdownCode(column.name.empty() ? "-" : column.name) + " |";
      rule += "---|";
    }
    text_ += "\n" + rule + "\n";
    for (int i = 0; i < run::kOutcomeCount; ++i) {
      auto outcome = static_cast<Outcome>(i);
      if (merged_.count(outcome) == 0) continue;
      text_ += "| " + std::string(wordOf(outcome)) + " | " +
               std::to_string(merged_.count(outcome)) + " |";
      for (const Column& column : merged_.columns) {
        if (hasColumns) text_ += " " + std::to_string(column.result.count(outcome)) + " |";
      }
      text_ += "\n";
    }
    text_ += "\n";
  }

  // A row for each test that is not green in every column.
  void addMatrix() {
    if (merged_.columns.size() == 1) return;
    std::set<std::string> red;
    for (const Column& column : merged_.columns) {
      for (const TestResult& test : column.result.tests) {
        if (!run::isGreen(test.outcome)) red.insert(test.id());
      }
    }
    if (red.empty()) return;
    text_ += "\n| test |";
    std::string rule = "|---|";
    for (const Column& column : merged_.columns) {
      text_ += " " + markdownCode(column.name.empty() ? "-" : column.name) + " |";
      rule += "---|";
    }
    text_ += "\n" + rule + "\n";
    for (const std::string& id : red) {
      std::string row = "| " + markdownCode(firstLineOf(id, kNameBytesMax)) + " |";
      for (const Column& column : merged_.columns) row += " " + wordIn(column, id) + " |";
      add(row + "\n");
    }
  }

  static std::string wordIn(const Column& column, const std::string& id) {
    for (const TestResult& test : column.result.tests) {
      if (test.id() == id) return std::string(wordOf(test.outcome));
    }
    return "";
  }

  void addColumn(const Column& column) {
    bool hasHeading = merged_.columns.size() > 1 && !column.name.empty();
    std::string where = hasHeading ? " (" + markdownCode(column.name) + ")" : "";
    for (const OutsideProblem& problem : outsideProblemsOf(merged_, column)) {
      add("\n### " + problem.name + where + ": " + std::string(wordOf(problem.outcome)) + "\n\n" +
          blockOf(problem.text));
    }
    // What is red comes first, so that a limit leaves out the rest.
    for (bool green : {false, true}) {
      for (size_t i = 0; i < column.result.tests.size(); ++i) {
        const TestResult& test = column.result.tests[i];
        bool isPlain = test.outcome == Outcome::kPassed || test.outcome == Outcome::kSkipped;
        if (!isPlain && run::isGreen(test.outcome) == green) addTest(column, i, where);
      }
    }
  }

  void addTest(const Column& column, size_t place, const std::string& where) {
    const TestResult& test = column.result.tests[place];
    const Attempt& telling = tellingAttemptOf(test);
    std::string text = "\n### " + markdownCode(firstLineOf(test.id(), kNameBytesMax)) + where +
                       ": " + std::string(wordOf(test.outcome)) + "\n\n";
    text += secondsText(telling.seconds);
    if (test.attempts.size() > 1) {
      text += ", attempts:";
      for (const Attempt& attempt : test.attempts) {
        text += " " + std::string(wordOf(attempt.outcome)) + ",";
      }
      text.pop_back();
    }
    if (!test.owner.empty()) text += ", owner " + markdownCode(test.owner);
    for (const std::string& node : telling.nodes) text += ", " + markdownCode(node);
    text += "\n\n";
    std::string story = storyOf(telling);
    if (story.empty()) story = test.because;
    if (!story.empty()) text += blockOf(story);
    size_t number = static_cast<size_t>(&telling - test.attempts.data());
    size_t run = column.runOfAttempt[place][number];
    for (const Artifact& artifact : attempts_[run].read(test, telling).artifacts) {
      text += "* " + linked(markdownCode(artifact.path), artifact.path) + "\n";
    }
    add(text);
  }

  // A part that does not fit is counted, and smaller ones behind it may fit.
  void add(const std::string& part) {
    if (text_.size() + part.size() > kMarkdownBytesMax) {
      ++leftOut_;
    } else {
      text_ += part;
    }
  }

  std::string linked(const std::string& code, const std::string& path) const {
    if (options_.url.empty()) return code;
    std::string address = options_.url;
    if (address.back() != '/') address += '/';
    constexpr char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./~";
    for (char c : path) {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
      bool isPlain = std::string_view(kPlain).find(c) != std::string_view::npos;
      address += isPlain ? std::string(1, c) : std::string(escaped);
    }
    return "[" + code + "](" + address + ")";
  }

  const MergedRuns& merged_;
  const FormatOptions& options_;
  std::vector<RunFacts> facts_;
  std::vector<AttemptReader> attempts_;
  std::string text_;
  size_t leftOut_ = 0;
};

}  // namespace

// Two backticks enclose a text with single ones. A bar would end the cell, and no escape of it
// works in all readers.
std::string markdownCode(const std::string& text) {
  std::string line = support::printable(text);
  std::replace(line.begin(), line.end(), '|', '/');
  if (line.find('`') == std::string::npos) return "`" + line + "`";
  std::string fence = fenceFor(line);
  return fence + " " + line + " " + fence;
}

std::string markdownText(const MergedRuns& merged, const FormatOptions& options) {
  return Writer(merged, options).write();
}

}  // namespace harness::report
