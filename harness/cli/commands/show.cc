// show: one run, or one test of it.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/run_choice.h"
#include "harness/cli/show_words.h"
#include "harness/cli/table.h"
#include "harness/history/test_choice.h"
#include "harness/os/error.h"
#include "harness/run/run_directory.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(RUN is the directory of a run, its id in ./muster-runs, a beginning of it, or
"latest", which is the default. TEST is COMPONENT/SUITE.NAME, or an end of it
that only one test of the run has. A single word that names no run is a TEST of
the latest run.

A run is shown with its failures in groups: those whose first failure has the
same text, but for numbers, times and addresses, and the same place. A test is
shown with each attempt, what it did on which node, and what it left; one that
failed also with the lines of its logs that its last green run does not have.
)";

struct Wish {
  std::string directory;
  // Empty: the whole run.
  std::string test;
};

Wish wishOf(const Arguments& arguments) {
  if (arguments.words().size() != 1) {
    return {runDirectoryFor(arguments, arguments.word(0, run::kLatestLink)), arguments.word(1)};
  }
  try {
    return {runDirectoryFor(arguments, arguments.word(0)), ""};
  } catch (const CommandError& error) {
    std::string latest = runDirectoryFor(arguments, run::kLatestLink);
    std::vector<std::string> known;
    for (const run::TestResult& test : shownRun(latest).result.tests) known.push_back(test.id());
    history::TestChoice choice = history::chooseTest(known, arguments.word(0));
    if (choice.test.empty()) {
      throw CommandError(error.status(), std::string(error.what()) +
                                             "; as a test of the latest run, " + choice.problem);
    }
    return {latest, choice.test};
  }
}

int perform(const Arguments& arguments) {
  Wish wish = wishOf(arguments);
  ShownRun shown = shownRun(wish.directory);
  if (wish.test.empty()) {
    arguments[kJson] ? printJson(shownRunJson(shown)) : void(std::cout << runText(shown));
    return kExitOk;
  }
  std::vector<std::string> known;
  for (const run::TestResult& test : shown.result.tests) known.push_back(test.id());
  std::string id = testFor(known, wish.test);
  for (const run::TestResult& test : shown.result.tests) {
    if (test.id() != id) continue;
    arguments[kJson] ? printJson(testJson(shown, test)) : void(std::cout << testText(shown, test));
  }
  return kExitOk;
}

}  // namespace

const Command kShow = {
    .name = "show",
    .usage = "[RUN] [TEST]",
    .summary = "show a run, or a test of it: failures, what happened, what was left",
    .options =
        [] {
          return OptionList{&kRunsDirectory, &kJson};
        },
    .run = perform,
    .wordsMost = 2,
    .completes = WordKind::kStoredRuns,
    .notes = kNotes,
};

}  // namespace harness
