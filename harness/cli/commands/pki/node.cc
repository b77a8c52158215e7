// pki node: makes the key and certificate of a node's agent.
#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  print(
      openDirectory(arguments).issueNode(arguments.word(0), arguments[kSan], arguments[kNodeDays]),
      arguments);
  return kExitOk;
}

}  // namespace

const Command kPkiNode = {
    .name = "pki node",
    .usage = "NAME",
    .summary = "make a key and a certificate for the agent of a node",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kSan, &kNodeDays, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
};

}  // namespace harness
