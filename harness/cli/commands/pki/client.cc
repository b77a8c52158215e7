// pki client: makes the key and certificate of a controller.
#include <algorithm>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

constexpr CountOption kClientDays = daysOption("7", "how many days the certificate is valid");

std::string roleProblem(const std::string& role) {
  const std::vector<std::string> roles = {"observer", "operator", "admin"};
  bool known = std::find(roles.begin(), roles.end(), role) != roles.end();
  return known ? "" : "is no role" + support::suggestion(role, roles);
}

constexpr TextOption kRole({
    .name = "role",
    .value = "ROLE",
    .help = "observer, operator or admin; required",
    .problem = roleProblem,
});

int run(const Arguments& arguments) {
  if (!arguments.has(kRole)) {
    throw CommandError(kExitUsage, "--role observer, operator or admin is missing");
  }
  print(openDirectory(arguments).issueClient(arguments[kRole], arguments.word(0),
                                             arguments[kClientDays]),
        arguments);
  return kExitOk;
}

}  // namespace

const Command kPkiClient = {
    .name = "pki client",
    .usage = "NAME --role ROLE",
    .summary = "make a key and a certificate for a controller",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kRole, &kClientDays, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
};

}  // namespace harness
