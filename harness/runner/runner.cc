#include "harness/runner/runner.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/failure_line.h"
#include "harness/run/git_state.h"
#include "harness/run/program_variables.h"
#include "harness/run/record_writer.h"
#include "harness/run/results.h"
#include "harness/run/run_directory.h"
#include "harness/runner/cancel_requests.h"
#include "harness/runner/crash_hold.h"
#include "harness/runner/display.h"
#include "harness/runner/evidence.h"
#include "harness/runner/held_nodes.h"
#include "harness/runner/judge.h"
#include "harness/runner/live_view.h"
#include "harness/runner/program_output.h"
#include "harness/runner/run_limits.h"
#include "harness/runner/running_now.h"
#include "harness/runner/test_process.h"
#include "schema/support/base/exit_status.h"

namespace harness::runner {
namespace {

using run::Json;
using run::Outcome;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr char kRunnerName[] = "muster";

// Until-fail ends by a failure, a signal or a limit; this is far beyond all of them.
constexpr int kRepeatsMax = 1'000'000;

DisplayOptions displayOptionsOf(const RunnerOptions& options) {
  if (options.shown == Shown::kNothing) return {.isQuiet = true};
  // A debugger has the terminal.
  if (options.wrapper.kind == Wrapper::Kind::kDebugger) return {};
  return displayOptions();
}

// Makes the directory, and returns the path of the record in it.
std::string begunIn(const RunnerOptions& options) {
  run::makeRunDirectory(options.runDirectory, options.runId);
  return run::recordPath(options.runDirectory, kRunnerName);
}

class Runner {
 public:
  Runner(const std::vector<PlannedProgram>& programs, const RunnerOptions& options)
      : programs_(programs),
        options_(options),
        display_(displayOptionsOf(options)),
        view_(display_, options),
        writer_(begunIn(options),
                {{"role", "runner"}, {"writer", kRunnerName}, {"run", options.runId}}),
        cancels_(options.runDirectory),
        hold_(writer_, display_,
              {.runDirectory = options.runDirectory,
               .writer = kRunnerName,
               .time = options.holdMax}) {
    run_ = writer_.begin("run", "",
                         {{"command", options_.command},
                          {"directory", std::filesystem::current_path().string()},
                          {"git", run::gitState()}});
    for (const auto& [name, value] : options_.properties) {
      writer_.add(run_, "property", {{"name", name}, {"value", value}});
    }
  }

  RunEnding run() {
    display_.plan(programs_, options_);
    int repeats = options_.untilFail ? kRepeatsMax : options_.repeat;
    for (int repeat = 1; repeat <= repeats && why_.empty(); ++repeat) {
      if (repeat > options_.repeat) display_.planAgain(programs_);
      announceAll(repeat);
      for (const PlannedProgram& program : programs_) runProgram(program, repeat);
      abortLeft();
      if (options_.untilFail && failures_ > 0) break;
    }
    return finish();
  }

 private:
  using Key = std::string;

  Json fieldsOf(const PlannedProgram& program, const PlannedTest& test, int attempt,
                int repeat) const {
    Json fields = test.fields;
    fields["component"] = program.component;
    fields["suite"] = test.suite();
    fields["name"] = test.name.substr(test.suite().size() + 1);
    fields["attempt"] = attempt;
    fields["repeat"] = repeat;
    return fields;
  }

  void announceAll(int repeat) {
    for (const PlannedProgram& program : programs_) {
      for (const PlannedTest& test : program.tests) {
        announced_[testId(program.component, test.name)] =
            writer_.announce("test", run_, fieldsOf(program, test, 1, repeat));
      }
    }
  }

  // What was planned and did not begin says why.
  void abortLeft() {
    std::string because = why_.empty() ? "the program did not begin it" : why_;
    for (const auto& [key, id] : announced_) writer_.abort(id, because);
    announced_.clear();
  }

  void runProgram(const PlannedProgram& program, int repeat) {
    if (!why_.empty() || program.tests.empty()) return;
    program_ = &program;
    limits_.beginProgram();
    std::vector<std::vector<PlannedTest>> batches = processesOf(program, options_.processFor);
    // Nodes that the program makes end with it when it crashes, and stand still in a debugger.
    bool isLookedAt = options_.holdMax.count() > 0 || isDebugged();
    holdsNodes_ = options_.holdsNodes && (batches.size() > 1 || isLookedAt);
    for (std::vector<PlannedTest>& batch : batches) {
      if (why_.empty()) runBatch(std::move(batch), repeat);
    }
    held_.reset();
  }

  // A process that ends in the middle of a test is followed by another one for the rest.
  void runBatch(std::vector<PlannedTest> tests, int repeat) {
    while (!tests.empty() && why_.empty()) {
      ProcessResult result = runProcess(tests, 1, repeat);
      std::set<std::string> left(result.left.begin(), result.left.end());
      bool hasBegunAny = left.size() < tests.size();
      std::vector<PlannedTest> again;
      for (const PlannedTest& test : tests) {
        if (left.contains(test.name)) again.push_back(test);
      }
      for (const LiveTest& test : result.tests) {
        if (!proved(tests, test, repeat)) retry(tests, test, repeat);
      }
      if (result.isWhole || !hasBegunAny) return;
      tests = std::move(again);
    }
  }

  // Runs a test on probation until it has passed as often as it must, or has not passed once.
  // Returns false for one that is not on probation, or could not be tried. Its failures are judged
  // at the end of the run.
  bool proved(const std::vector<PlannedTest>& tests, const LiveTest& test, int repeat) {
    auto found = options_.onProbation.find(testId(program_->component, test.name));
    if (found == options_.onProbation.end()) return false;
    if (test.outcome == Outcome::kInfrastructure) return false;
    auto planned = std::find_if(tests.begin(), tests.end(),
                                [&](const PlannedTest& one) { return one.name == test.name; });
    bool isRepeated = planned != tests.end() && repeat == 1 && !options_.untilFail;
    bool hasPassed = test.outcome == Outcome::kPassed;
    for (int passes = 1;
         isRepeated && hasPassed && passes < found->second.passesMissing && why_.empty();
         ++passes) {
      // Repeats of the whole run have the numbers before.
      int number = options_.repeat + passes;
      display_.planAgain(found->first);
      announced_[found->first] =
          writer_.announce("test", run_, fieldsOf(*program_, *planned, 1, number));
      ProcessResult result = runProcess({*planned}, 1, number);
      hasPassed = result.hasOnePassed();
    }
    return true;
  }

  // An attempt that passes after one that failed makes the test flaky. All attempts are kept.
  void retry(const std::vector<PlannedTest>& tests, const LiveTest& failed, int repeat) {
    if (run::isGreen(failed.outcome) || failed.outcome == Outcome::kCancelled) return;
    auto planned = std::find_if(tests.begin(), tests.end(),
                                [&](const PlannedTest& test) { return test.name == failed.name; });
    bool isFailed = true;
    for (int attempt = 2; attempt <= options_.retries + 1 && why_.empty(); ++attempt) {
      if (planned == tests.end()) break;
      display_.planAgain(testId(program_->component, failed.name));
      if (options_.retriesOnFresh) held_.reset();
      announced_[testId(program_->component, failed.name)] =
          writer_.announce("test", run_, fieldsOf(*program_, *planned, attempt, repeat));
      ProcessResult result = runProcess({*planned}, attempt, repeat);
      if (!result.hasOnePassed()) continue;
      writer_.add(run_, "exonerated",
                  {{"test", testId(program_->component, failed.name)},
                   {"kind", options_.retriesOnFresh ? "polluted" : "flaky"},
                   {"because", "attempt " + std::to_string(attempt) + " passed" +
                                   (options_.retriesOnFresh ? " on fresh nodes" : "")}});
      isFailed = options_.retriesOnFresh;
      break;
    }
    if (!isFailed) return;
    ++failures_;
    if (failed.outcome == Outcome::kInfrastructure && options_.endsOnInfrastructure) {
      why_ = testId(program_->component, failed.name) + " could not be tried";
    }
    if (options_.failuresMax > 0 && failures_ >= options_.failuresMax) {
      why_ = std::to_string(failures_) + (failures_ == 1 ? " test has" : " tests have") + " failed";
    }
  }

  std::string nextWriter() {
    return program_->component + "_tests-" + std::to_string(++processes_);
  }

  // The nodes are made for all tests of the program, since they need them sooner or later.
  void holdNodes() {
    if (!holdsNodes_ || held_) return;
    std::string flags =
        writeFilter(run::recordPath(options_.runDirectory, program_->component), program_->tests);
    held_ = std::make_unique<HeldNodes>(HeldNodesStart{
        .program = program_->path,
        .arguments = {"--gtest_flagfile=" + flags},
        .environment = options_.environment,
        .makingFile = run::recordPath(options_.runDirectory, program_->component) + ".making",
        .look = [this](const HeldNodes& nodes) { return waitsFor(nodes); },
        .said = [this](const std::string& line) { display_.note(line); }});
    std::filesystem::remove(flags);
  }

  // Whoever ends the run does not wait until all nodes are there, and whoever insists does not wait
  // until they are gone.
  bool waitsFor(const HeldNodes& nodes) {
    bool isInsistent = false;
    while (int number = interrupts_.take()) {
      isInsistent = stoppedBy_ != 0;
      if (isInsistent) continue;
      stop(number, "cancelled: stopped by SIG" + std::string(::sigabbrev_np(number)));
      display_.note(why_);
    }
    if (nodes.isMaking() && stoppedBy_ == 0 && cancels_.isWholeRun()) {
      stop(-1, cancels_.reasonFor(""));
    }
    RunningNow now = nodes.now();
    now.program = program_->component;
    view_.look(std::move(now));
    return nodes.isMaking() ? why_.empty() : !isInsistent;
  }

  bool isDebugged() const { return options_.wrapper.kind == Wrapper::Kind::kDebugger; }

  std::string traceDirectory(const std::string& writer) const {
    return options_.runDirectory + "/trace/" + writer;
  }

  ProcessStart startOf(const std::vector<PlannedTest>& tests, int attempt, int repeat,
                       const std::string& writer) {
    ProcessStart start;
    start.record = run::recordPath(options_.runDirectory, writer);
    start.report = start.record + ".xml";
    start.argv = {program_->path, "--gtest_flagfile=" + writeFilter(start.record, tests)};
    start.argv.insert(start.argv.end(), options_.arguments.begin(), options_.arguments.end());
    start.under = wordsFor(options_.wrapper, traceDirectory(writer));
    start.isDebugged = isDebugged();
    start.environment = options_.environment;
    start.environment[run::kAttemptVariable] = std::to_string(attempt);
    start.environment[run::kRepeatVariable] = std::to_string(repeat);
    if (!options_.hasOwnReport) start.environment["GTEST_OUTPUT"] = "xml:" + start.report;
    // The tests were dealt to the shards when they were chosen.
    start.environment["GTEST_TOTAL_SHARDS"] = "";
    start.environment["GTEST_SHARD_INDEX"] = "";
    if (held_ && !held_->cluster().empty()) {
      start.environment[run::kHeldClusterVariable] = held_->cluster();
    }
    for (const PlannedTest& test : tests) {
      start.tests.push_back(test.name);
      if (test.testMax.count() > 0) start.testMaxOf[test.name] = test.testMax;
    }
    start.testMax = options_.testMax;
    start.testFactor = options_.waitMultiplier;
    limits_.limit(start);
    return start;
  }

  ProcessResult runProcess(const std::vector<PlannedTest>& tests, int attempt, int repeat) {
    holdNodes();
    if (!why_.empty()) return {};
    std::string writer = nextWriter();
    ProcessStart start = startOf(tests, attempt, repeat, writer);
    std::string item = writer_.begin("program", run_,
                                     {{"component", program_->component},
                                      {"writer", writer},
                                      {"argv", start.command()},
                                      {"attempt", attempt},
                                      {"repeat", repeat}});
    ProgramOutputFile output(options_.runDirectory + "/output/" + writer + ".log");
    ProcessEvents events;
    events.news = [&](const LiveTest& test) { takeNews(test, output, attempt, repeat); };
    events.look = [&](const auto& now) { look(now, output); };
    events.cancels = [&](const std::string& test) {
      return cancels_.reasonFor(testId(program_->component, test));
    };
    if (options_.output == ProgramOutput::kFailures) {
      events.output = [&](std::string_view bytes) { output.append(bytes); };
    }
    events.holds = [&](const LiveHold& hold) { hold_.show(program_->component, hold); };
    if (options_.holdMax.count() > 0) {
      events.holdsOverdue = [&](const std::string& test, const std::string& because, int process) {
        Key key = testId(program_->component, test);
        return hold_.goesOn({.id = key, .item = begun_[key], .because = because}, process,
                            clusterOfProgram());
      };
    }
    ProcessResult result = runTests(start, events, interrupts_);
    for (const LiveTest& test : result.tests) {
      std::optional<Evidence> evidence;
      if (result.isCharged && test.name == result.chargedTest) {
        evidence = evidenceOf(result, &test, options_.runDirectory, writer);
      }
      finishTest(test, output, attempt, repeat, evidence);
    }
    bool isOwn = result.outcome != Outcome::kPassed && result.outcome != Outcome::kCancelled;
    if (isOwn && !result.isCharged) {
      addEvidence(writer_, item, evidenceOf(result, nullptr, options_.runDirectory, writer));
    }
    if (options_.holdMax.count() > 0) holdCrashed(start, item, result);
    limits_.addHeld(result.held);
    noteTraces(writer_, item, options_.runDirectory, traceDirectory(writer));
    endProcess(item, result, output);
    std::remove((start.record + ".flags").c_str());
    return result;
  }

  // Whoever waits at the terminal is told what runs, and how to be told more.
  void look(const std::function<RunningNow()>& now, const ProgramOutputFile& output) {
    RunningNow running = now();
    std::string name = running.test;
    running.program = program_->component;
    if (!name.empty()) running.test = testId(program_->component, name);
    view_.look(std::move(running),
               [&] { return name.empty() ? output.last() : output.ofTest(name); });
  }

  std::string clusterOfProgram() const {
    if (held_ && !held_->cluster().empty()) return held_->cluster();
    auto named = options_.environment.find("MUSTER_CLUSTER");
    return named == options_.environment.end() ? "" : named->second;
  }

  // What a crashed program has left on its nodes is adopted by another process of it.
  void holdCrashed(const ProcessStart& start, const std::string& item, ProcessResult& result) {
    if (result.outcome != Outcome::kCrashed || clusterOfProgram().empty()) return;
    std::string id = program_->component;
    if (result.isCharged) id = testId(program_->component, result.chargedTest);
    auto begin = steady_clock::now();
    result.stoppedBy = hold_.hold(
        {.id = id, .item = item, .because = result.because}, start,
        [&] {
          view_.look({.program = id,
                      .work = "its nodes are held",
                      .workElapsed = steady_clock::now() - begin});
          return cancels_.reasonFor(id);
        },
        interrupts_);
    result.held += steady_clock::now() - begin;
  }

  void takeNews(const LiveTest& test, ProgramOutputFile& output, int attempt, int repeat) {
    Key key = testId(program_->component, test.name);
    auto found = announced_.find(key);
    if (test.hasBegun && found != announced_.end()) {
      begun_[key] = found->second;
      announced_.erase(found);
      writer_.beginAnnounced(begun_[key]);
      display_.begin(key, test.nodes);
    }
    if (test.hasEnded && test.outcome != Outcome::kNotRun && test.outcome != Outcome::kCancelled) {
      finishTest(test, output, attempt, repeat);
    }
  }

  // A test ends once: by its program's record, or by what its process came to.
  void finishTest(const LiveTest& test, ProgramOutputFile& output, int attempt, int repeat,
                  const std::optional<Evidence>& evidence = {}) {
    Key key = testId(program_->component, test.name);
    auto found = begun_.find(key);
    if (found == begun_.end()) return;
    std::string because = test.because.empty() ? test.text : test.because;
    Json fields = {{"outcome", run::wordOf(test.outcome)}, {"seconds", test.seconds}};
    if (!test.because.empty()) fields["because"] = test.because;
    if (!test.nodes.empty()) fields["nodes"] = test.nodes;
    std::string printed;
    if (!run::isGreen(test.outcome)) printed = output.ofTest(test.name);
    if (!printed.empty()) writer_.add(found->second, "output", {{"text", printed}});
    addEvidence(writer_, found->second, evidence);
    writer_.end(found->second, fields);
    begun_.erase(found);
    display_.end({.id = key,
                  .outcome = test.outcome,
                  .seconds = test.seconds,
                  .because = because,
                  .stack = evidence ? evidence->shown : "",
                  .output = printed,
                  .attempt = attempt,
                  .repeat = repeat});
  }

  // No further test begins. `number` is that of the signal; -1: it was none.
  void stop(int number, const std::string& why) {
    stoppedBy_ = number;
    why_ = why;
  }

  void endProcess(const std::string& item, const ProcessResult& result, ProgramOutputFile& output) {
    Json fields = {{"status", result.status}};
    bool isOwn = result.outcome != Outcome::kPassed && !result.isCharged;
    if (isOwn) fields["outcome"] = run::wordOf(result.outcome);
    if (!result.because.empty()) fields["because"] = result.because;
    if (isOwn && result.outcome != Outcome::kCancelled) {
      if (!result.crash && !result.threads)
        writer_.add(item, "failure",
                    {{"text", result.because},
                     {"infrastructure", result.outcome == Outcome::kInfrastructure}});
      display_.note(program_->component + ": " + result.because);
    }
    for (const std::string& text : result.failures) {
      display_.note(program_->component + ": outside of tests: " + run::failureLine(text));
    }
    output.note(writer_, item);
    writer_.end(item, fields);
    if (result.stoppedBy != 0) {
      stop(result.stoppedBy, "cancelled: " + result.because);
    } else if (cancels_.isWholeRun()) {
      stop(-1, cancels_.reasonFor(""));
    } else if (limits_.isRunOver()) {
      why_ = "the time of the run is over";
    }
    // What a process that did not end by itself has left on the nodes is none of the next one's.
    if (!result.isWhole) held_.reset();
  }

  // The record is read again as anybody would: what it does not prove has not passed.
  RunEnding finish() {
    held_.reset();
    abortLeft();
    judge(options_, limits_.elapsed(), {writer_, run_, display_});
    if (stoppedBy_ != 0) {
      writer_.end(run_, {{"outcome", run::wordOf(Outcome::kCancelled)}, {"because", why_}});
    } else {
      writer_.end(run_, why_.empty() ? Json::object() : Json{{"because", why_}});
    }
    writer_.close("the run has ended");
    std::string problem = writer_.problem();
    RunEnding ending{.record = run::readRun(options_.runDirectory)};
    ending.result = run::resultOf(ending.record);
    ending.exitStatus = ending.result.exitStatus;
    display_.summarise(ending.result, options_.runDirectory, ending.record.problems);
    if (!problem.empty()) display_.note("the record: " + problem);
    if (!problem.empty() && ending.exitStatus == support::kExitPassed) {
      ending.exitStatus = support::kExitInfrastructure;
    }
    return ending;
  }

  const std::vector<PlannedProgram>& programs_;
  const RunnerOptions& options_;
  RunLimits limits_{options_};
  Interrupts interrupts_;
  Display display_;
  LiveView view_;
  run::RecordWriter writer_;
  CancelRequests cancels_;
  CrashHold hold_;
  std::string run_;

  // The items of tests that have not begun, and of those that have not ended.
  std::map<Key, std::string> announced_;
  std::map<Key, std::string> begun_;
  const PlannedProgram* program_ = nullptr;
  bool holdsNodes_ = false;
  std::unique_ptr<HeldNodes> held_;

  int processes_ = 0;
  int failures_ = 0;

  // Why no further test begins. Empty: it does.
  std::string why_;
  int stoppedBy_ = 0;
};

}  // namespace

RunEnding runAll(const std::vector<PlannedProgram>& programs, const RunnerOptions& options) {
  return Runner(programs, options).run();
}

}  // namespace harness::runner
