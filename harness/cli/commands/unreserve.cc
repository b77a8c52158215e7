// unreserve: gives reserved nodes back.
#include <iostream>
#include <optional>

#include "harness/cli/commands/all_commands.h"
#include "harness/cli/listing.h"
#include "harness/cli/reserve_words.h"
#include "harness/rpc/reserve/reservations.h"

namespace harness {
namespace {

constexpr Flag kRevoke({
    .name = "revoke",
    .help = "also what others have reserved, who are told; takes the role admin",
});

constexpr TextOption kWhyRevoked({
    .name = "reason",
    .value = "TEXT",
    .help = "what the holder of a revoked reservation is told",
});

constexpr char kNotes[] =
    R"(Ends the reservation of each node, if it is of the same person, which is the
same certificate and the same user and host (or $MUSTER_USER). Commands that
run on the nodes go on. A node that nobody has reserved is passed over.

Exit status: 0 if none of the nodes is reserved by us any more; 69 if a node
cannot be reached, or its reservation is another person's and --revoke was not
given.
)";

// Returns who had the node. Empty: nobody.
std::string give(ControllerNode& node, const Arguments& arguments, SteadyTime until) {
  rpc::Reservations reservations(node);
  ReservationStatus status = reservations.status(until);
  if (!status.held) return "";
  if (arguments[kRevoke]) {
    reservations.revoke(status.held->id, arguments[kWhyRevoked], until);
  } else {
    reservations.release(status.held->id, until);
  }
  return status.held->user;
}

int run(const Arguments& arguments) {
  auto errors = askChosen(arguments, [&](const Reachable& reachable) {
    auto failures = reachable.errors;
    for (size_t i = 0; i < reachable.nodes.size(); ++i) {
      auto until = std::chrono::steady_clock::now() + arguments[kConnectTimeout];
      try {
        std::string user = give(*reachable.connected[i], arguments, until);
        if (arguments[kJson]) continue;
        std::cout << reachable.nodes[i].name << ": "
                  << (user.empty() ? "is not reserved" : "is free, it was reserved by " + user)
                  << "\n";
      } catch (const muster::NodeError& error) {
        failures.push_back(error);
      }
    }
    return failures;
  });
  printErrors(arguments, errors);
  return errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kUnreserve = {
    .name = "unreserve",
    .usage = "NODESET",
    .summary = "give reserved nodes back, or revoke the reservations of others",
    .options =
        [] {
          return OptionList{&kCluster, &kRevoke, &kWhyRevoked, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
