// cancel: ends a run, or one test of it, in order.
#include <algorithm>
#include <chrono>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/report_words.h"
#include "harness/cli/table.h"
#include "harness/os/wait.h"
#include "harness/run/results.h"
#include "harness/runner/cancel_requests.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

// The runner looks a few times a second, unless it makes or removes nodes.
constexpr std::chrono::seconds kTakenMax{15};

constexpr TextOption kBecause({
    .name = "because",
    .value = "TEXT",
    .help = "the reason, for the record",
    .initial = "by muster cancel",
});

constexpr char kNotes[] =
    R"(RUN is the directory of a run, its id in ./muster-runs or the beginning of one,
or "latest". TEST is COMPONENT/SUITE.NAME: the test that runs is ended, and the
others go on. Without it, the whole run is. Tear-downs run, and nodes are
cleaned, as after a signal. The command returns when the runner has been told.
)";

void requireTest(const run::RunResult& result, const std::string& test) {
  std::vector<std::string> running;
  for (const run::TestResult& each : result.tests) {
    bool runs = std::any_of(each.attempts.begin(), each.attempts.end(), [](const auto& attempt) {
      return attempt.isRunning && attempt.begin != run::Item::kNever;
    });
    if (runs) running.push_back(each.id());
  }
  if (std::find(running.begin(), running.end(), test) != running.end()) return;
  throw CommandError(kExitData,
                     "test \"" + test + "\" does not run now" + support::suggestion(test, running));
}

int cancel(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  std::string test = words.size() > 1 ? words[1] : "";
  run::RunRecord record = recordedRun(words[0]);
  const run::RecordFile* runner = record.runner();
  if (runner == nullptr) {
    throw CommandError(
        kExitData, "run " + record.id + " is a program that was started by hand: send it SIGINT");
  }
  if (runner->ending() != run::RecordFile::Ending::kRunning) {
    throw CommandError(kExitData, "run " + record.id + " does not run");
  }
  if (!test.empty()) requireTest(run::resultOf(record), test);
  std::string request = runner::requestCancel(record.directory, test, arguments[kBecause]);
  if (!waitUntil(after(kTakenMax), [&] { return !runner::isWaiting(request); })) {
    throw CommandError(kExitUnavailable,
                       "run " + record.id + " has not answered yet; it was told to end");
  }
  if (arguments[kJson]) printJson({{"run", record.id}, {"test", test}});
  return kExitOk;
}

}  // namespace

const Command kCancel = {
    .name = "cancel",
    .usage = "RUN [TEST]",
    .summary = "end a run or one test of it in order",
    .options =
        [] {
          return OptionList{&kBecause, &kJson};
        },
    .run = cancel,
    .wordsLeast = 1,
    .wordsMost = 2,
    .notes = kNotes,
};

}  // namespace harness
