#include "harness/cli/hold_words.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include "harness/cli/command_error.h"
#include "harness/cli/options.h"
#include "harness/cli/report_words.h"
#include "harness/cli/table.h"
#include "harness/os/wait.h"

namespace harness {
namespace {

// The holder of a test looks a few times a second, unless it asks its nodes what runs there.
constexpr std::chrono::seconds kTakenMax{30};

bool isHeld(const std::string& directory, const run::Hold& hold) {
  std::vector<run::Hold> holds = run::holdsOf(run::readRun(directory));
  return std::any_of(holds.begin(), holds.end(), [&](const run::Hold& other) {
    return other.writer == hold.writer && other.id == hold.id;
  });
}

// The hold may end by itself at the same time.
void await(const run::RunRecord& record, const run::Hold& hold, const std::string& request) {
  if (waitUntil(after(kTakenMax), [&] { return !run::isHoldEndWaiting(request); })) return;
  run::dropHoldEnd(request);
  if (isHeld(record.directory, hold)) {
    throw CommandError(kExitUnavailable, "run " + record.id + ": the holder of " + hold.test +
                                             " has not answered within 30 s");
  }
  throw CommandError(kExitData, "run " + record.id + ": the hold of " + hold.test +
                                    " has ended by itself meanwhile");
}

}  // namespace

int endHold(const Arguments& arguments, run::HoldEnd end) {
  run::RunRecord record = recordedRun(arguments.word(0));
  std::vector<run::Hold> holds = run::holdsOf(record);
  if (holds.empty()) {
    throw CommandError(kExitData,
                       "run " + record.id +
                           (record.isRunning ? " runs, and no test of it is held now"
                                             : " does not run, so that no test of it is held"));
  }
  Json tests = Json::array();
  for (const run::Hold& hold : holds) {
    await(record, hold, run::requestHoldEnd(record.directory, hold, end));
    tests.push_back(hold.test);
  }
  if (arguments[kJson]) printJson({{"run", record.id}, {"tests", std::move(tests)}});
  return kExitOk;
}

std::string heldText(const std::vector<run::Hold>& holds) {
  return holds.empty() ? "" : "held until " + run::holdEndText(holds.front().until);
}

}  // namespace harness
