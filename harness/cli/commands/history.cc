// history: what became of a test from run to run, or which failures the last runs had.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/history_words.h"
#include "harness/cli/options.h"
#include "harness/cli/run_choice.h"
#include "harness/cli/table.h"

namespace harness {
namespace {

constexpr CountOption kLimit(
    {
        .name = "limit",
        .value = "NUMBER",
        .help = "the number of runs to show, or without TEST to look at; 0: all",
        .initial = "20",
    },
    {.least = 0, .most = 1'000'000'000});

constexpr char kNotes[] =
    R"(TEST is COMPONENT/SUITE.NAME, or an end of it that only one test has. All runs
of the directory count; --limit is for the lines of the table. A test is flaky
in a run if one attempt passed and another failed, or if it failed while another
run of the same revision and product passed. A change of the failure rate is
shown with the runs between which it began, with 99 %.

Without TEST, the failures of the last runs are shown in groups: those with the
same text, but for numbers, times and addresses, and the same place.
)";

int perform(const Arguments& arguments) {
  auto newest = static_cast<size_t>(arguments[kLimit]);
  std::string shown;
  Json json;
  withRuns(arguments, [&](history::RunIndex& index) {
    if (arguments.words().empty()) {
      auto clusters = history::clustersOf(history::firstFailuresOf(index.database(), newest));
      shown = clustersText(clusters);
      json = {{"groups", clustersJson(clusters)}};
      return;
    }
    std::string test = testFor(history::testsOf(index.database()), arguments.word(0));
    TestHistory history = historyOf(index.database(), test);
    shown = historyText(history, newest);
    json = historyJson(history, newest);
  });
  if (arguments[kJson]) {
    printJson(json);
  } else {
    std::cout << shown;
  }
  return kExitOk;
}

}  // namespace

const Command kHistory = {
    .name = "history",
    .usage = "[TEST]",
    .summary = "show what became of a test from run to run, and since when it fails",
    .options =
        [] {
          return OptionList{&kRunsDirectory, &kLimit, &kJson};
        },
    .run = perform,
    .wordsMost = 1,
    .completes = WordKind::kStoredTests,
    .notes = kNotes,
};

}  // namespace harness
