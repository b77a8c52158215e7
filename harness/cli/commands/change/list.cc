// change list: shows the changes of nodes.
#include "harness/cli/change_words.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/listing.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(Changes of every controller are shown, those of running tests too. One that
could not be taken back is failed, with the reason.

Exit status: 0 if every node answered, 69 if one did not.
)";

int run(const Arguments& arguments) {
  auto answers = askChosen(arguments, [&](const Reachable& reachable) {
    return askChanges(reachable, arguments[kConnectTimeout]);
  });
  Json list = Json::array();
  for (const ChangeRow& row : rowsOf(answers)) list.push_back(changeJson(row));
  return showListing(arguments, "changes", std::move(list), changeTable(rowsOf(answers)),
                     answers.errors);
}

}  // namespace

const Command kChangeList = {
    .name = "change list",
    .usage = "[NODESET]",
    .summary = "list the changes of the nodes, whoever made them",
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
