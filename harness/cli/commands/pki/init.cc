// pki init: makes the authority of a cluster.
#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

constexpr TextOption kName({
    .name = "cluster",
    .value = "NAME",
    .help = "the name of the cluster; required",
});

int run(const Arguments& arguments) {
  if (!arguments.has(kName)) {
    throw CommandError(kExitUsage, "--cluster NAME is missing; see muster pki init --help");
  }
  print(PkiDirectory::create(arguments.word(0), arguments[kName]).list().front(), arguments);
  return kExitOk;
}

}  // namespace

const Command kPkiInit = {
    .name = "pki init",
    .usage = "DIRECTORY --cluster NAME",
    .summary = "make the authority of a cluster, in a directory that is made if it is missing",
    .options =
        [] {
          return OptionList{&kName, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kDirectories,
};

}  // namespace harness
