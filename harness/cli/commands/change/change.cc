// change: the group of the actions on changes of nodes.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(`muster help change ACTION` describes an action with its options. What was there
before comes back when the command or test that made the change ends, however
it ends.
)";

}  // namespace

const Command kChangeGroup = {
    .name = "change",
    .usage = "ACTION [ARGUMENT...]",
    .summary = "change settings of nodes for a while",
    .options =
        [] {
          return OptionList{&kCluster, &kJson};
        },
    .run = runGroup,
    .wordsLeast = 1,
    .notes = kNotes,
};

}  // namespace harness
