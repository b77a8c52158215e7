// nemesis: the group of the actions on nemesis plans.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(`muster help nemesis ACTION` describes an action with its options. A plan says
which faults strike which nodes when; `muster run --nemesis` and --nemesis of a
test program drive it while tests run. No action asks a node.
)";

}  // namespace

const Command kNemesis = {
    .name = "nemesis",
    .usage = "ACTION [ARGUMENT...]",
    .summary = "draw, show and shrink plans of faults",
    .options = [] { return OptionList{&kJson}; },
    .run = runGroup,
    .wordsLeast = 1,
    .notes = kNotes,
};

}  // namespace harness
