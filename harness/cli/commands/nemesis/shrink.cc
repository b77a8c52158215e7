// nemesis shrink: makes a stored plan smaller, as long as a test fails under it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/nemesis_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/fault/nemesis_json.h"
#include "harness/fault/nemesis_shrink.h"
#include "harness/fixture/options.h"
#include "harness/os/process.h"
#include "harness/runner/program_run.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr CountOption kRunsMost(
    {
        .name = "runs",
        .value = "NUMBER",
        .help = "how often the program is run at most",
        .initial = "100",
    },
    {.least = 1, .most = 10'000});

constexpr DurationOption kRunTime({
    .name = "program-time-limit",
    .value = "TIME",
    .help = "how long each run may take; then SIGTERM ends it, and it counts as no failure",
    .initial = "30m",
});

constexpr DurationOption kTimeLimit = timeLimitOption("8h", "begin no further run after this time");

constexpr TextOption kShrunkOutput({
    .name = "output",
    .letter = 'o',
    .value = "FILE",
    .help = "where the smallest plan is stored; by default PLAN.min",
    .completes = WordKind::kFiles,
});

constexpr char kNotes[] =
    R"(The program is run with smaller and smaller plans in $MUSTER_NEMESIS: without
some of the faults, then with earlier and shorter ones. A plan fails if the
program ends with status 1, as a test program does whose test fails. The
smallest plan that has failed is stored each time one is found. What the
program prints goes to standard error.

  muster nemesis shrink nemesis.plan.json -- ./kvd_tests --gtest_filter=A.B

Exit status: 0 if the plan that is stored failed, and each smaller one that was
tried did not; 1 if the program does not fail under PLAN itself; 65 if PLAN is
wrong; 66 if it cannot be read; 75 if runs or time were over before.
)";

constexpr int kStatusDoesNotFail = 1;

// Runs a program under plans. A signal ends the program first, then this, and us at last.
class Trials {
 public:
  explicit Trials(const Arguments& arguments)
      : arguments_(arguments), candidate_(outputOf(arguments) + ".candidate") {}
  ~Trials() {
    std::error_code ignored;
    std::filesystem::remove(candidate_, ignored);
  }
  Trials(const Trials&) = delete;
  Trials& operator=(const Trials&) = delete;

  static std::string outputOf(const Arguments& arguments) {
    return arguments.has(kShrunkOutput) ? arguments[kShrunkOutput] : arguments.word(0) + ".min";
  }

  // A signal has ended the last run, which says nothing about its plan.
  bool isInterrupted() const { return isInterrupted_; }

  bool fails(const nemesis::Plan& plan) {
    writePlanFile(candidate_, plan);
    std::cerr << "muster nemesis shrink: run " << ++runs_ << ", " << plan.steps.size()
              << (plan.steps.size() == 1 ? " fault\n" : " faults\n");
    int status = exitStatus();
    if (isInterrupted_) return false;
    std::cerr << "muster nemesis shrink: run " << runs_ << ": "
              << (status == support::kExitFailed ? "fails" : "does not fail") << ", status "
              << status << "\n";
    if (status != support::kExitFailed) return false;
    writePlanFile(outputOf(arguments_), plan);
    return true;
  }

 private:
  // 128 plus the number of the signal that ended the program.
  int exitStatus() {
    SpawnOptions start;
    start.argv = {"/usr/bin/env", std::string(kNemesisVariable) + "=" +
                                      std::filesystem::absolute(candidate_).string()};
    start.argv.insert(start.argv.end(), arguments_.rest().begin(), arguments_.rest().end());
    start.output = STDERR_FILENO;
    auto end = after(arguments_[kRunTime]);
    ProgramWatch watch;
    watch.look = [end](const auto&) {
      return std::chrono::steady_clock::now() < end ? "" : "its time is over";
    };
    ProgramEnding ending = runProgram(std::move(start), watch, interrupts_);
    if (!ending.problem.empty()) throw CommandError(kExitInternal, ending.problem);
    if (ending.stoppedBy != 0) noteInterrupt(ending.stoppedBy);
    isInterrupted_ = ending.stoppedBy != 0;
    // What does not end in time has not failed by itself.
    if (!ending.ended.empty()) return 128 + SIGTERM;
    return WIFEXITED(ending.status) ? WEXITSTATUS(ending.status) : 128 + WTERMSIG(ending.status);
  }

  const Arguments& arguments_;
  Interrupts interrupts_;
  std::string candidate_;
  int runs_ = 0;
  bool isInterrupted_ = false;
};

void print(const Arguments& arguments, const nemesis::Shrunk& shrunk) {
  std::string path = Trials::outputOf(arguments);
  if (!arguments[kJson]) {
    std::cout << toText(shrunk.plan) << (shrunk.isDone ? "smallest" : "smallest so far")
              << " after " << shrunk.runs << " runs: " << path << "\n";
    return;
  }
  printJson({{"plan", path},
             {"steps", shrunk.plan.steps.size()},
             {"runs", shrunk.runs},
             {"done", shrunk.isDone}});
}

int run(const Arguments& arguments) {
  for (const std::string& word : arguments.rest()) {
    // `muster run` takes the value as a word of its own.
    if (word != "--nemesis" && !word.starts_with("--nemesis=")) continue;
    throw CommandError(kExitUsage, word + " of the program would replace the plans; leave it out");
  }
  nemesis::Plan plan = readPlanFile(arguments.word(0));
  auto end = after(arguments[kTimeLimit]);
  Trials trials(arguments);
  if (!trials.fails(plan)) {
    if (trials.isInterrupted()) return kExitTryAgain;
    std::cerr << "muster nemesis shrink: the program does not fail under the plan itself\n";
    return kStatusDoesNotFail;
  }
  nemesis::Shrunk shrunk = nemesis::shrink(
      plan, [&](const nemesis::Plan& candidate) { return trials.fails(candidate); },
      static_cast<size_t>(arguments[kRunsMost] - 1),
      [&] { return !trials.isInterrupted() && std::chrono::steady_clock::now() < end; });
  ++shrunk.runs;
  shrunk.isDone = shrunk.isDone && !trials.isInterrupted();
  print(arguments, shrunk);
  return shrunk.isDone ? kExitOk : kExitTryAgain;
}

}  // namespace

const Command kNemesisShrink = {
    .name = "nemesis shrink",
    .usage = "PLAN -- PROGRAM [ARGUMENT...]",
    .summary = "make a plan smaller, as long as a test fails under it",
    .options =
        [] {
          return OptionList{&kRunsMost, &kRunTime, &kTimeLimit, &kShrunkOutput, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .rest = Rest::kSeparate,
    .completes = WordKind::kFiles,
    .notes = kNotes,
};

}  // namespace harness
