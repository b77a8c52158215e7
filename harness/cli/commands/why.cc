// why: says who keeps others from using a node, and until when.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/listing.h"
#include "harness/cli/reserve_words.h"
#include "harness/rpc/reserve/reservations.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(Says of each node whose reservation blocks it and until when, who waits for it
in which order, the sessions that have begun to change it, which a reservation
waits for, and how the last reservations have ended.

Exit status: 0 if every node answered, 69 if one did not.
)";

int run(const Arguments& arguments) {
  auto answers = askReservations(arguments);
  Json list = Json::array();
  std::string text;
  for (const auto& [node, status] : answers.given) {
    list.push_back(whyJson(node.name, status));
    text += whyText(node.name, status);
  }
  return showListing(arguments, "nodes", std::move(list), text, answers.errors);
}

}  // namespace

const Command kWhy = {
    .name = "why",
    .usage = "[NODESET]",
    .summary = "say who has a node, until when, who waits, and who changes it",
    .options =
        [] {
          return OptionList{&kCluster, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
