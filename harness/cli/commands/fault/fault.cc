// fault: the group of the actions on faults.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(`muster help fault ACTION` describes an action with its options. A fault of
`add` outlives the command. The nodes hold it for the time of --for. Their
kernels end a cut then even if every agent was killed; other faults are ended by
the next agent. The agents' own ports are never cut.
)";

}  // namespace

const Command kFault = {
    .name = "fault",
    .usage = "ACTION [ARGUMENT...]",
    .summary = "disturb nodes and the network between them for a while",
    .options =
        [] {
          return OptionList{&kCluster, &kJson};
        },
    .run = runGroup,
    .wordsLeast = 1,
    .notes = kNotes,
};

}  // namespace harness
