// pki renew: replaces a certificate and its key.
#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

constexpr CountOption kRenewedDays =
    daysOption("", "how many days the new certificate is valid; by default as many as the old one");

int run(const Arguments& arguments) {
  print(openDirectory(arguments).renew(arguments.word(0), arguments[kRenewedDays]), arguments);
  return kExitOk;
}

}  // namespace

const Command kPkiRenew = {
    .name = "pki renew",
    .usage = "NAME|FILE",
    .summary = "replace a certificate and its key by new ones for the same names",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kRenewedDays, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kFiles,
    .notes = "The old certificate stays valid until it expires or is revoked.\n",
};

}  // namespace harness
