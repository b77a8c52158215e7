// reservations: lists who has reserved nodes, and who waits for them.
#include "harness/rpc/reserve/reservations.h"

#include "harness/cli/commands/all_commands.h"
#include "harness/cli/listing.h"
#include "harness/cli/reserve_words.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(A line for each reservation that is held, and for each request that waits, with
its rank. OWNER is the name of the certificate. A reservation ends when its time
is over, and one that is not standing with its process as well. `muster why`
also tells who changes a node.

Exit status: 0 if every node answered, 69 if one did not.
)";

int run(const Arguments& arguments) {
  auto answers = askReservations(arguments);
  std::vector<NodeReservation> nodes;
  for (auto& [node, status] : answers.given) nodes.emplace_back(node.name, std::move(status));
  return showListing(arguments, "reservations", reservationsJson(nodes), reservationTable(nodes),
                     answers.errors);
}

}  // namespace

const Command kReservations = {
    .name = "reservations",
    .usage = "[NODESET]",
    .summary = "list who has reserved nodes, and who waits for them",
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
