// pki tokens: lists the tokens.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  PkiDirectory directory = openDirectory(arguments);
  Json list = Json::array();
  for (const TokenRecord& record : PkiTokens(directory).list()) {
    if (arguments[kJson]) {
      list.push_back(jsonOf(record));
      continue;
    }
    std::cout << record.id << "  " << record.node << "  " << record.state() << "  until "
              << timeText(record.expiresSeconds);
    if (record.used()) {
      std::cout << "  used " << timeText(record.usedSeconds) << " from " << record.usedFrom;
    }
    std::cout << "\n";
  }
  if (arguments[kJson]) printJson(list);
  return kExitOk;
}

}  // namespace

const Command kPkiTokens = {
    .name = "pki tokens",
    .usage = "",
    .summary = "list the tokens: their states, and by which nodes they were used",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kJson};
        },
    .run = run,
};

}  // namespace harness
