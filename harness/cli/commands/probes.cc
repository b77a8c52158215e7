// probes: which probes the tests of runs have met.
#include "harness/verdict/probes.h"

#include <algorithm>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/report_words.h"
#include "harness/cli/table.h"
#include "harness/run/run_directory.h"

namespace harness {
namespace {

using verdict::ProbeResult;
using State = ProbeResult::State;

constexpr char kNotes[] =
    R"(RUN is a run as `muster report` takes it, by default the latest. Several runs
are judged as one, such as those of a night. A probe is met if MUSTER_SOMETIMES
was true or MUSTER_REACHABLE was reached in any test of any of them. Programs
whose tests were not run have no probes here.

  muster probes $(muster runs --json | jq -r '.runs[:20][].run')

Exit status: 0 if all probes were met, 1 if one was not, 3 if there is none, 66
if a run cannot be read.
)";

std::string placeOf(const ProbeResult& probe) {
  return probe.file.empty() ? "" : probe.file + ":" + std::to_string(probe.line);
}

std::string testsOf(const ProbeResult& probe) {
  const std::set<std::string>& tests = probe.state == State::kMet ? probe.metBy : probe.missedBy;
  if (tests.empty()) return "";
  std::string text = *tests.begin();
  if (tests.size() > 1) text += " and " + std::to_string(tests.size() - 1) + " more";
  return text;
}

Json jsonOf(const std::vector<ProbeResult>& probes) {
  Json list = Json::array();
  for (const ProbeResult& probe : probes) {
    list.push_back({{"component", probe.component},
                    {"probe", probe.name},
                    {"kind", probe.kind},
                    {"file", probe.file},
                    {"line", probe.line},
                    {"state", verdict::wordOf(probe.state)},
                    {"met_by", probe.metBy},
                    {"missed_by", probe.missedBy}});
  }
  return {{"probes", std::move(list)}};
}

std::string textOf(const std::vector<ProbeResult>& probes) {
  std::vector<std::vector<std::string>> lines = {{"STATE", "COMPONENT", "PROBE", "PLACE", "TESTS"}};
  for (State state : {State::kUnreached, State::kMissed, State::kMet}) {
    for (const ProbeResult& probe : probes) {
      if (probe.state != state) continue;
      lines.push_back(
          {verdict::wordOf(state), probe.component, probe.name, placeOf(probe), testsOf(probe)});
    }
  }
  return table(lines);
}

int showProbes(const Arguments& arguments) {
  std::vector<std::string> words = arguments.words();
  if (words.empty()) words.emplace_back(run::kLatestLink);
  std::vector<run::RunRecord> runs;
  for (const std::string& word : words) runs.push_back(recordedRun(word));
  std::vector<const run::RunRecord*> records;
  for (const run::RunRecord& run : runs) records.push_back(&run);
  std::vector<ProbeResult> probes = verdict::probesOf(records);
  if (arguments[kJson]) {
    printJson(jsonOf(probes));
  } else if (!probes.empty()) {
    std::cout << textOf(probes);
  }
  if (probes.empty()) {
    std::cerr << "muster probes: the programs of these runs have no probes\n";
    return support::kExitNothingRan;
  }
  bool areMet = std::all_of(probes.begin(), probes.end(),
                            [](const ProbeResult& each) { return each.state == State::kMet; });
  return areMet ? support::kExitPassed : support::kExitFailed;
}

}  // namespace

const Command kProbes = {
    .name = "probes",
    .usage = "[RUN...]",
    .summary = "show which probes the tests of runs have met",
    .options = [] { return OptionList{&kJson}; },
    .run = showProbes,
    .wordsMost = 10'000,
    .completes = WordKind::kRunDirectories,
    .notes = kNotes,
};

}  // namespace harness
