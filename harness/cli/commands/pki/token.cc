// pki token: makes a token with which a node gets its certificate.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"

namespace harness {
namespace {

constexpr DurationOption kValid(
    {.name = "valid", .value = "TIME", .help = "how long the token may be used", .initial = "1h"},
    {.least = std::chrono::seconds(10), .most = std::chrono::hours(7 * 24)});

int run(const Arguments& arguments) {
  PkiDirectory directory = openDirectory(arguments);
  auto valid = std::chrono::duration_cast<std::chrono::seconds>(arguments[kValid]);
  auto made = PkiTokens(directory).make(arguments.word(0), arguments[kSan], arguments[kNodeDays],
                                        valid.count());
  if (arguments[kJson]) {
    Json json = jsonOf(made.record);
    json["token"] = made.text;
    printJson(json);
  } else {
    std::cout << made.text << "\n";
  }
  return kExitOk;
}

}  // namespace

const Command kPkiToken = {
    .name = "pki token",
    .usage = "NODE",
    .summary = "make a single-use token with which the node gets its certificate",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kSan, &kNodeDays, &kValid, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
};

}  // namespace harness
