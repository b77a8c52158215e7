// resume: lets a test go on that is held.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/hold_words.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(RUN is the directory of a run, its id in ./muster-runs or the beginning of one,
or "latest", also of a program that was started by hand. The test that
--hold-on-failure holds goes on: its tear-down runs, and the tests behind it.
The command returns when the hold is over.
)";

int resume(const Arguments& arguments) {
  return endHold(arguments, run::HoldEnd::kResume);
}

}  // namespace

const Command kResume = {
    .name = "resume",
    .usage = "RUN",
    .summary = "let a test go on that is held",
    .options = [] { return OptionList{&kJson}; },
    .run = resume,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kRunDirectories,
    .notes = kNotes,
};

}  // namespace harness
