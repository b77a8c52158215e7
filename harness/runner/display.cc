#include "harness/runner/display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>

#include "harness/run/failure_line.h"
#include "schema/support/base/text.h"

namespace harness::runner {
namespace {

using run::Outcome;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kDrawEvery{200};
constexpr size_t kFailuresShown = 20;
constexpr size_t kLinesShown = 60;

struct Mark {
  const char* word;
  const char* colour;
};

constexpr Mark kMarks[run::kOutcomeCount] = {
    {"PASS", "32"},    {"FAIL", "31;1"}, {"CRASH", "31;1"},    {"TIMEOUT", "31;1"},
    {"INFRA", "35;1"}, {"SKIP", "33"},   {"CANCELLED", "33"},  {"NOT RUN", "33"},
    {"FLAKY", "33;1"}, {"WAIVED", "33"}, {"UNEXPECTED", "33"}, {"POLLUTED", "31;1"},
};

const Mark& markOf(Outcome outcome) {
  return kMarks[static_cast<int>(outcome)];
}

std::string secondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3fs", seconds);
  return text;
}

std::string clockText(std::chrono::nanoseconds time) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  char text[32];
  if (seconds >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", seconds / 3600, seconds / 60 % 60,
                  seconds % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", seconds / 60, seconds % 60);
  }
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

// Returns the last lines of a text, indented, and says how many are left out.
std::string indented(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::string shown;
  size_t first = lines.size() > kLinesShown ? lines.size() - kLinesShown : 0;
  if (first > 0) shown += "    (" + std::to_string(first) + " lines before)\n";
  for (size_t i = first; i < lines.size(); ++i) {
    shown += "    " + support::printable(lines[i]) + "\n";
  }
  return shown;
}

// What one looks at: flaky and waived tests are green, and shown all the same.
bool isShown(Outcome outcome) {
  return !run::isGreen(outcome) || outcome == Outcome::kFlaky || outcome == Outcome::kWaived ||
         outcome == Outcome::kUnexpectedlyPassed;
}

}  // namespace

DisplayOptions displayOptions() {
  DisplayOptions options;
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  bool isDumb = variable("TERM") == "dumb";
  options.isTerminal = ::isatty(STDERR_FILENO) == 1 && !isDumb;
  bool isForced = !variable("CLICOLOR_FORCE").empty() && variable("CLICOLOR_FORCE") != "0";
  options.hasColour = (options.isTerminal || isForced) && variable("NO_COLOR").empty();
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.width = size.ws_col;
  }
  return options;
}

Display::Display(const DisplayOptions& options) : options_(options), begin_(steady_clock::now()) {}

Display::~Display() {
  clearLine();
}

void Display::plan(const std::vector<PlannedProgram>& programs, const RunnerOptions& options) {
  remaining_.know(options.usualSeconds);
  for (int repeat = 0; repeat < options.repeat; ++repeat) planAgain(programs);
  note("running " + std::to_string(planned_) + (planned_ == 1 ? " test of " : " tests of ") +
       std::to_string(programs.size()) + (programs.size() == 1 ? " program" : " programs"));
}

void Display::planAgain(const std::vector<PlannedProgram>& programs) {
  for (const PlannedProgram& program : programs) {
    for (const PlannedTest& test : program.tests) planAgain(testId(program.component, test.name));
  }
}

void Display::planAgain(const std::string& id) {
  ++planned_;
  remaining_.plan(id);
}

void Display::begin(const std::string& id, const std::vector<std::string>& nodes) {
  running_[id] = {steady_clock::now(), nodes};
  remaining_.begin(id, steady_clock::now());
  tick();
}

void Display::end(const EndedTest& test) {
  running_.erase(test.id);
  bool hasPassed = test.outcome == Outcome::kPassed;
  remaining_.end(test.id, test.seconds,
                 hasPassed ? RemainingTime::Ending::kPassed : RemainingTime::Ending::kOther,
                 steady_clock::now());
  ++ended_;
  ++counts_[test.outcome];
  if (options_.isQuiet) return;
  clearLine();
  char head[64];
  std::snprintf(head, sizeof head, "%9s", markOf(test.outcome).word);
  std::string which;
  if (test.attempt > 1) which += " (attempt " + std::to_string(test.attempt) + ")";
  if (test.repeat > 1) which += " (repeat " + std::to_string(test.repeat) + ")";
  std::string text =
      coloured(test.outcome, head) + " [" + secondsText(test.seconds) + "] " + test.id + which;
  if (test.outcome != Outcome::kPassed && !test.because.empty()) {
    text += ": " + run::failureLine(test.because);
  }
  text += "\n";
  if (!run::isGreen(test.outcome) && !test.output.empty()) text += indented(test.output);
  if (!test.stack.empty()) text += indented(test.stack);
  // Each of several outputs would be a write of its own, and what others print could be between.
  std::cerr << text;
  tick();
}

void Display::hold(const std::string& id, const std::string& until) {
  if (until.empty()) {
    held_.erase(id);
  } else {
    held_[id] = until;
  }
}

void Display::note(std::string_view text) {
  if (options_.isQuiet) return;
  clearLine();
  std::cerr << "muster: " + std::string(text) + "\n";
}

void Display::showRunning(std::string_view lines) {
  clearLine();
  std::cerr << "muster: " + std::string(lines) << std::flush;
  tick();
}

void Display::clearLine() {
  if (!hasLine_) return;
  std::cerr << "\r\033[K" << std::flush;
  hasLine_ = false;
}

std::string Display::coloured(Outcome outcome, const std::string& text) const {
  if (!options_.hasColour) return text;
  return std::string("\033[") + markOf(outcome).colour + "m" + text + "\033[0m";
}

std::string Display::liveLine() const {
  std::string line = std::to_string(ended_) + "/" + std::to_string(planned_) + " ";
  size_t bad = 0;
  for (const auto& [outcome, count] : counts_) bad += run::isGreen(outcome) ? 0 : count;
  if (bad > 0) line += std::to_string(bad) + " bad ";
  line += clockText(steady_clock::now() - begin_);
  if (auto left = remaining_.left(steady_clock::now())) {
    line += ", about " + clockText(*left) + " left";
  }
  for (const auto& [id, until] : held_) line += "  " + id + " is HELD until " + until;
  for (const auto& [id, running] : running_) {
    if (held_.contains(id)) continue;
    line += "  " + id + " " + clockText(steady_clock::now() - running.begin);
    if (!running.nodes.empty()) line += " on " + joined(running.nodes);
  }
  if (!work_.empty()) line += "  " + work_;
  size_t most = options_.width > 0 ? options_.width - 1 : 0;
  if (!hint_.empty() && line.size() + hint_.size() + 2 <= most) line += "  " + hint_;
  return line.substr(0, most);
}

void Display::tick() {
  if (!options_.isTerminal) return;
  auto now = steady_clock::now();
  if (hasLine_ && now - drawn_ < kDrawEvery) return;
  std::cerr << (hasLine_ ? "\r\033[K" : "") + liveLine() << std::flush;
  hasLine_ = true;
  drawn_ = now;
}

// Failures with the same first error are one failure that many tests show.
void Display::showFailures(const run::RunResult& result) {
  std::map<std::string, std::vector<const run::TestResult*>> groups;
  std::vector<std::string> order;
  for (const run::TestResult& test : result.tests) {
    if (!isShown(test.outcome)) continue;
    const run::Attempt& attempt = test.deciding();
    std::string text = attempt.failures.empty() ? test.because : attempt.failures.front().text;
    std::string key = std::string(markOf(test.outcome).word) + ": " + run::failureLine(text);
    if (groups[key].empty()) order.push_back(key);
    groups[key].push_back(&test);
  }
  size_t shown = 0;
  for (const std::string& key : order) {
    const auto& tests = groups[key];
    std::cerr << "\n" << coloured(tests.front()->outcome, key) << "\n";
    for (const run::TestResult* test : tests) {
      if (++shown > kFailuresShown) continue;
      std::cerr << "  " << test->id();
      if (!test->file.empty()) std::cerr << "  " << test->file << ":" << test->line;
      std::cerr << "\n";
    }
  }
  if (shown > kFailuresShown) {
    std::cerr << "\n  (" << shown - kFailuresShown << " more are in the report)\n";
  }
  for (const run::Failure& failure : result.failures) {
    std::cerr << "\n"
              << coloured(Outcome::kFailed, "outside of tests") << ": "
              << run::failureLine(failure.text) << "\n";
  }
}

void Display::showReproduction(const run::RunResult& result) {
  std::map<std::string, std::string> filters;
  for (const run::TestResult& test : result.tests) {
    if (run::isGreen(test.outcome) || test.outcome == Outcome::kNotRun) continue;
    std::string& filter = filters[test.component];
    filter += (filter.empty() ? "" : ":") + test.suite + "." + test.name;
  }
  if (filters.empty()) return;
  std::cerr << "\nto repeat:\n";
  for (const auto& [component, filter] : filters) {
    std::cerr << "  muster run " << component << " -- --gtest_filter='" << filter << "'\n";
  }
}

void Display::summarise(const run::RunResult& result, const std::string& directory,
                        const std::vector<std::string>& problems) {
  if (options_.isQuiet) return;
  clearLine();
  showFailures(result);
  for (const std::string& problem : problems) {
    std::cerr << "\n"
              << coloured(Outcome::kInfrastructure, "the record is not whole") << ": " << problem
              << "\n";
  }
  showReproduction(result);
  std::cerr << "\n" << result.tests.size() << (result.tests.size() == 1 ? " test: " : " tests: ");
  std::string counts;
  for (int i = 0; i < run::kOutcomeCount; ++i) {
    auto outcome = static_cast<Outcome>(i);
    size_t count = result.count(outcome);
    if (count == 0) continue;
    counts += (counts.empty() ? "" : ", ") +
              coloured(outcome, std::to_string(count) + " " + std::string(run::wordOf(outcome)));
  }
  std::cerr << (counts.empty() ? "none" : counts) << "; " << clockText(steady_clock::now() - begin_)
            << "\n";
  std::cerr << "record: " << directory << "\n";
}

}  // namespace harness::runner
