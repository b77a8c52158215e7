// nemesis show: a stored plan.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/nemesis_words.h"
#include "harness/cli/options.h"
#include "harness/fault/nemesis_json.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(PLAN is a file such as nemesis.plan.json of a run directory.

Exit status: 0 if the plan can be driven; 65 if it is wrong; 66 if it cannot be
read.
)";

int run(const Arguments& arguments) {
  nemesis::Plan plan = readPlanFile(arguments.word(0));
  std::cout << (arguments[kJson] ? nemesis::toJson(plan) : toText(plan));
  return kExitOk;
}

}  // namespace

const Command kNemesisShow = {
    .name = "nemesis show",
    .usage = "PLAN",
    .summary = "show a stored plan, and whether it is right",
    .options = [] { return OptionList{&kJson}; },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kFiles,
    .notes = kNotes,
};

}  // namespace harness
