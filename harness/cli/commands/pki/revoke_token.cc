// pki revoke-token: makes a token worthless.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  PkiDirectory directory = openDirectory(arguments);
  TokenRecord record = PkiTokens(directory).revoke(arguments.word(0));
  if (arguments[kJson]) {
    // "withdrawn" is the earlier name of "revoked", for one release.
    printJson({{"revoked", record.id},
               {"withdrawn", record.id},
               {"node", record.node},
               {"used", record.used()}});
  } else {
    std::cout << "revoked: token " << record.id << " for " << record.node
              << (record.used() ? "; its certificate stays valid until it is revoked" : "") << "\n";
  }
  return kExitOk;
}

}  // namespace

const Command kPkiRevokeToken = {
    .name = "pki revoke-token",
    .usage = "ID",
    .summary = "make a token worthless",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .notes = "A certificate that was made with the token stays valid.\n",
};

}  // namespace harness
