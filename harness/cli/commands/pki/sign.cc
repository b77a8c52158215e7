// pki sign: certifies a key that a node has made itself.
#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

constexpr TextOption kRequest({
    .name = "request",
    .value = "FILE",
    .help = "the request of the node, PEM; required",
    .completes = WordKind::kFiles,
});

int run(const Arguments& arguments) {
  if (!arguments.has(kRequest)) {
    throw CommandError(kExitUsage, "--request FILE is missing; see muster pki sign --help");
  }
  print(openDirectory(arguments).certifyNode(arguments.word(0), arguments[kRequest],
                                             arguments[kNodeDays]),
        arguments);
  return kExitOk;
}

}  // namespace

const Command kPkiSign = {
    .name = "pki sign",
    .usage = "NAME --request FILE",
    .summary = "make a certificate for a key that the node made (nodeagent --make-request)",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kRequest, &kNodeDays, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
};

}  // namespace harness
