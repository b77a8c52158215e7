// pki show: lists certificates.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  PkiDirectory directory = openDirectory(arguments);
  std::vector<Issued> shown = arguments.words().empty()
                                  ? directory.list()
                                  : std::vector<Issued>{directory.find(arguments.word(0))};
  Json list = Json::array();
  for (const Issued& issued : shown) {
    if (arguments[kJson]) {
      list.push_back(jsonOf(issued));
      continue;
    }
    std::cout << issued.kind << "  " << issued.name << "  " << issued.state << "  until "
              << timeText(issued.facts.notAfterSeconds) << "  serial " << issued.facts.mark.serial
              << "\n";
  }
  if (arguments[kJson]) printJson(list);
  return kExitOk;
}

}  // namespace

const Command kPkiShow = {
    .name = "pki show",
    .usage = "[NAME|FILE]",
    .summary = "list the certificates that were issued, and their states",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kFiles,
};

}  // namespace harness
