// nemesis draw: a plan from a seed.
#include <iostream>
#include <random>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/nemesis_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/fault/nemesis_draw.h"
#include "harness/fault/nemesis_json.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr CountOption kSeed(
    {
        .name = "seed",
        .value = "NUMBER",
        .help = "the seed of the plan; by default a random one, which the plan names",
    },
    {.least = 1, .most = INT64_MAX});

constexpr TextOption kTest({
    .name = "test",
    .value = "SUITE.TEST",
    .help = "the test whose plan this is: each test of a run has its own",
});

constexpr DurationOption kDuration(
    {
        .name = "duration",
        .value = "TIME",
        .help = "until the end of the last fault, from 7s, within which a fault fits, to 24h",
        .initial = "2m",
    },
    {.least = nemesis::kDurationLeast, .most = nemesis::kDurationMost});

constexpr TextOption kWithout({
    .name = "without",
    .value = "KIND,...",
    .help = "leave these kinds of faults out",
    .problem = kindsProblem,
    .completes = WordKind::kNemesisKinds,
});

constexpr TextOption kPlanOutput({
    .name = "output",
    .letter = 'o',
    .value = "FILE",
    .help = "store the plan in this file",
    .completes = WordKind::kFiles,
});

constexpr char kNotes[] =
    R"(gentle has one fault at a time, of less than half of a role, with quiet time
behind each. rough has up to three at a time, of any nodes. The same seed, test,
length and nodes give the same plan everywhere. A test program leaves out what
its nodes cannot do, which this command does not know: name it by --without.
With --json the plan itself is printed, as it is stored.

Exit status: 0 if there is a plan with a fault in it; 65 if no fault is possible
on these nodes.
)";

uint64_t seedOf(const Arguments& arguments) {
  if (arguments.has(kSeed)) return static_cast<uint64_t>(arguments[kSeed]);
  return std::random_device()() | 1U;
}

int run(const Arguments& arguments) {
  nemesis::Wish wish;
  wish.generator = arguments.word(0, nemesis::generators().front());
  wish.seed = seedOf(arguments);
  wish.stream = arguments[kTest];
  wish.duration = std::chrono::duration_cast<nemesis::Milliseconds>(arguments[kDuration]);
  wish.nodes = planNodesOf(arguments[kCluster]);
  for (const std::string& kind : partsOf(arguments[kWithout])) {
    wish.without[kind] = "it was left out by --without";
  }
  nemesis::Plan plan;
  try {
    plan = nemesis::draw(wish);
  } catch (const nemesis::PlanError& error) {
    throw CommandError(kExitUsage, std::string("draw a plan: ") + error.what());
  }
  if (arguments.has(kPlanOutput)) writePlanFile(arguments[kPlanOutput], plan);
  std::cout << (arguments[kJson] ? nemesis::toJson(plan) : toText(plan));
  return plan.steps.empty() ? kExitData : kExitOk;
}

}  // namespace

const Command kNemesisDraw = {
    .name = "nemesis draw",
    .usage = "[gentle|rough]",
    .summary = "draw a plan from a seed, for the nodes of a cluster",
    .options =
        [] {
          return OptionList{&kCluster, &kSeed, &kTest, &kDuration, &kWithout, &kPlanOutput, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNemesisGenerators,
    .notes = kNotes,
};

}  // namespace harness
