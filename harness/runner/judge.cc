#include "harness/runner/judge.h"

#include "harness/run/results.h"
#include "harness/verdict/gates.h"
#include "harness/verdict/probation.h"
#include "harness/verdict/waivers.h"

namespace harness::runner {
namespace {

using run::Json;

void fail(const JudgedItem& run, const std::string& text) {
  run.writer.add(run.item, "failure", {{"text", text}});
}

void take(const verdict::Waived& waived, const std::string& property, const JudgedItem& run) {
  for (const verdict::Exoneration& each : waived.exonerations) {
    Json fields = {{"test", each.test}, {"kind", each.kind}, {"because", each.because}};
    if (!each.bug.empty()) fields["bug"] = each.bug;
    fields["owner"] = each.owner;
    run.writer.add(run.item, "exonerated", fields);
    if (!each.isStrict || each.kind == "waiver") continue;
    fail(run, each.test + " passed, though a strict waiver foretells that it fails (" +
                  each.because + "); remove the waiver");
  }
  for (const std::string& note : waived.notes) {
    run.display.note(note);
    run.writer.add(run.item, "property", {{"name", property}, {"value", note}});
  }
}

void judgeRecord(const RunnerOptions& options, const JudgedItem& run) {
  run::RunRecord record = run::readRun(options.runDirectory);
  run::RunResult result = run::resultOf(record);
  take(verdict::judge(options.waivers, record, result, verdict::today()), "waivers", run);
  take(verdict::judgeProbation(options.onProbation, result), "probation", run);
  for (const std::string& closed : verdict::closedGates(options.gates, {{record, result}})) {
    fail(run, closed);
  }
}

}  // namespace

void judge(const RunnerOptions& options, std::chrono::nanoseconds length, const JudgedItem& run) {
  bool isJudged =
      !options.waivers.empty() || !options.onProbation.empty() || options.gates.needRecords();
  if (isJudged) judgeRecord(options, run);
  std::string closed = verdict::closedByLength(options.gates, length);
  if (!closed.empty()) fail(run, closed);
}

}  // namespace harness::runner
