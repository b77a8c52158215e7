// release: ends a test that is held, with its nodes.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/hold_words.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(RUN is what `muster resume` takes. The test that --hold-on-failure holds ends at
once, and has failed; nodes that were made for it are removed. `muster run` goes
on with the other tests, on new nodes; a program that was started by hand ends,
as by SIGTERM. The command returns when the hold is over.
)";

int release(const Arguments& arguments) {
  return endHold(arguments, run::HoldEnd::kRelease);
}

}  // namespace

const Command kRelease = {
    .name = "release",
    .usage = "RUN",
    .summary = "end a test that is held, and remove its nodes",
    .options = [] { return OptionList{&kJson}; },
    .run = release,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kRunDirectories,
    .notes = kNotes,
};

}  // namespace harness
