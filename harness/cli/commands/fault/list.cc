// fault list: shows the faults of the nodes.
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/fault_words.h"
#include "harness/cli/listing.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(Faults of every controller are shown, those of running tests too. A fault has a
line for each node that has a part in it. REMAINING is the time until it ends by
itself: its own, or that of its session's lease. DROPPED counts packets. WITNESS
is what the node sees of the others now.

Exit status: 0 if every node answered, 69 if one did not.
)";

int run(const Arguments& arguments) {
  auto answers = askChosen(arguments, [&](const Reachable& reachable) {
    return askFaults(reachable, arguments[kConnectTimeout]);
  });
  Json list = Json::array();
  for (const FaultRow& row : rowsOf(answers)) list.push_back(faultJson(row));
  return showListing(arguments, "faults", std::move(list), faultTable(rowsOf(answers)),
                     answers.errors);
}

}  // namespace

const Command kFaultList = {
    .name = "fault list",
    .usage = "[NODESET]",
    .summary = "list the faults of the nodes, whoever added them",
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
