// diff: what is different in a run from an earlier one.
#include <cmath>
#include <cstdlib>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/cli/report_words.h"
#include "harness/cli/table.h"
#include "harness/report/run_diff.h"
#include "harness/run/run_directory.h"

namespace harness {
namespace {

std::string factorProblem(const std::string& text) {
  char* rest = nullptr;
  double factor = std::strtod(text.c_str(), &rest);
  bool isNumber = !text.empty() && *rest == '\0' && std::isfinite(factor);
  return isNumber && factor >= 1 ? "" : "is no number from 1 on, such as 1.5";
}

constexpr TextOption kFactor({
    .name = "factor",
    .value = "NUMBER",
    .help = "how many times longer or shorter a test must take to be shown",
    .initial = "2",
    .problem = factorProblem,
});

constexpr DurationOption kLeast({
    .name = "least",
    .value = "TIME",
    .help = "by how much a test must take longer or shorter to be shown",
    .initial = "500ms",
});

constexpr CountOption kShown({.name = "shown",
                              .value = "NUMBER",
                              .help = "how many tests and log lines each part shows at most",
                              .initial = "50"},
                             {.least = 1, .most = 1'000'000});

constexpr char kNotes[] =
    R"(BEFORE and AFTER are runs, as `muster report` takes them; AFTER is the latest
one by default. Shown are tests that are broken, fixed, new or gone, those with
another outcome or another duration, and log lines that only AFTER has.

Log lines are compared by what they say: numbers, times, addresses, UUIDs and
hexadecimal words count as equal. Each line stands for all that are equal to it,
with their number.

  muster diff 20261130T2 latest

Exit status: 0 if the runs were compared, whatever is different; 66 if one of
them cannot be read.
)";

int showDiff(const Arguments& arguments) {
  auto least = std::chrono::duration<double>(arguments[kLeast]);
  report::DiffOptions options{
      .factor = std::strtod(std::string(arguments[kFactor]).c_str(), nullptr),
      .secondsLeast = least.count(),
      .shownMax = static_cast<size_t>(arguments[kShown])};
  run::RunRecord before = recordedRun(arguments.word(0));
  run::RunRecord after = recordedRun(arguments.word(1, run::kLatestLink));
  report::RunDiff diff = report::diffOf(before, after, options);
  if (arguments[kJson]) {
    printJson(jsonOf(diff, options));
  } else {
    writeOutput(textOf(diff, options));
  }
  return kExitOk;
}

}  // namespace

const Command kDiff = {
    .name = "diff",
    .usage = "BEFORE [AFTER]",
    .summary = "show what is different in a run from an earlier one",
    .options =
        [] {
          return OptionList{&kFactor, &kLeast, &kShown, &kJson};
        },
    .run = showDiff,
    .wordsLeast = 1,
    .wordsMost = 2,
    .completes = WordKind::kRunDirectories,
    .notes = kNotes,
};

}  // namespace harness
