// barrier: shows the commands that wait at barriers and for events.
#include <algorithm>
#include <tuple>

#include "harness/cli/commands/all_commands.h"
#include "harness/cli/listing.h"
#include "harness/cli/table.h"
#include "harness/rpc/sync/waiting.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(Shows what a test or a muster exec hangs at: the commands of all controllers
that wait by nodeagent barrier or nodeagent wait, a line for each, sorted by
what they wait for. WANTED is how many commands the barrier is for, where the
command has said it. REMAINING is the time until it gives up. A test itself
waits too, and is not shown.

Exit status: 0 if every node answered, 69 if one did not.
)";

struct Row {
  std::string node;
  WaitingCommand command;
};

std::vector<Row> rowsOf(const Answers<std::vector<WaitingCommand>>& answers) {
  std::vector<Row> rows;
  for (const auto& [node, commands] : answers.given) {
    for (const WaitingCommand& command : commands) rows.push_back({node.name, command});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.command.isBarrier, a.command.name) >
           std::tie(b.command.isBarrier, b.command.name);
  });
  return rows;
}

const char* kindOf(const WaitingCommand& command) {
  return command.isBarrier ? "barrier" : "event";
}

std::string waitTable(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> lines = {
      {"FOR", "NAME", "WANTED", "NODE", "JOB", "WAITED", "REMAINING", "OWNER", "COMMAND"}};
  for (const Row& row : rows) {
    const WaitingCommand& command = row.command;
    lines.push_back({kindOf(command), command.name,
                     command.count == 0 ? "" : std::to_string(command.count), row.node,
                     toString(command.job), ageText(command.waited), ageText(command.remaining),
                     command.identity, command.command});
  }
  return table(lines);
}

Json rowJson(const Row& row) {
  const WaitingCommand& command = row.command;
  auto seconds = [](std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
  };
  return {{"for", kindOf(command)},
          {"name", command.name},
          {"wanted", command.count == 0 ? Json(nullptr) : Json(command.count)},
          {"node", row.node},
          {"job", toString(command.job)},
          {"waited_seconds", seconds(command.waited)},
          {"remaining_seconds", seconds(command.remaining)},
          {"owner", command.identity},
          {"command", command.command}};
}

int run(const Arguments& arguments) {
  auto answers = askChosen(arguments, [&](const Reachable& reachable) {
    auto until = std::chrono::steady_clock::now() + arguments[kConnectTimeout];
    Answers<std::vector<WaitingCommand>> given;
    given.errors = reachable.errors;
    given.take(reachable.nodes, rpc::listWaiting(reachable.connected, until));
    return given;
  });
  Json list = Json::array();
  for (const Row& row : rowsOf(answers)) list.push_back(rowJson(row));
  return showListing(arguments, "waiting", std::move(list), waitTable(rowsOf(answers)),
                     answers.errors);
}

}  // namespace

const Command kBarrier = {
    .name = "barrier",
    .usage = "[NODESET]",
    .summary = "show the commands that wait at barriers and for events",
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
