// pki revoke: puts a certificate on the deny list.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  PkiDirectory directory = openDirectory(arguments);
  bool added = directory.deny(arguments.word(0));
  std::string list = directory.file("denied.list");
  if (arguments[kJson]) {
    printJson({{"denied", list}, {"added", added}});
  } else {
    std::cout << (added ? "added to " : "already in ") << list
              << "; agents refuse it once they have this file and are reloaded\n";
  }
  return kExitOk;
}

}  // namespace

const Command kPkiRevoke = {
    .name = "pki revoke",
    .usage = "SERIAL|FILE",
    .summary = "put a certificate on the deny list",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kFiles,
    .notes = "Agents refuse it once they have the new deny list and are reloaded.\n",
};

}  // namespace harness
