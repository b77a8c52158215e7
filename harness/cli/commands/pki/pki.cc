// pki: the group of the actions on a cluster's certificates.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

constexpr char kNotes[] = R"(`muster help pki ACTION` describes an action with its options.

Keys are made on this machine and stay in the directory until you copy them;
only `renew` replaces anything. The deny list is denied.list in the directory:
give it to the agents as tls.denied, and reload them.

Exit status: 64 if a name or an option is wrong; 65 if a file is not what it
should be; 66 if there is no such directory, certificate or token; 69 if fewer
nodes asked in time than `serve --count` wants; 73 if something exists already,
cannot be written, or could be replaced by others.
)";

}  // namespace

const Command kPki = {
    .name = "pki",
    .usage = "ACTION [ARGUMENT]",
    .summary = "make, renew and revoke the certificates of a cluster",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kJson};
        },
    .run = runGroup,
    .wordsLeast = 1,
    .notes = kNotes,
};

}  // namespace harness
