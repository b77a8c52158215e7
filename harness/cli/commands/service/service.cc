// service: the group of the actions on services.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(`muster help service ACTION` describes an action with its options. The node's
own manager does the work: systemd, OpenRC, or SysV init scripts. What an action
changes stays; tests, in contrast, put services back when they end.
)";

}  // namespace

const Command kService = {
    .name = "service",
    .usage = "ACTION [ARGUMENT...]",
    .summary = "show, start, stop and await services of the nodes",
    .options =
        [] {
          return OptionList{&kCluster, &kJson};
        },
    .run = runGroup,
    .wordsLeast = 1,
    .notes = kNotes,
};

}  // namespace harness
