// collect: files and outputs of commands of the nodes, in a directory here.
#include "harness/collect/collect.h"

#include <ctime>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr ListOption kCommand({
    .name = "command",
    .value = "LINE",
    .help = "what this line of a shell prints; may be given several times",
});

std::string sizeProblem(const std::string& text) {
  try {
    collectBytesFrom(text);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

constexpr TextOption kMaxSize({
    .name = "max-size",
    .value = "SIZE",
    .help = "the most that is taken of one node, such as 500KiB; by default 64MiB",
    .problem = sizeProblem,
});

constexpr TextOption kOutput({
    .name = "output",
    .letter = 'o',
    .value = "DIRECTORY",
    .help = "where it goes; by default ./muster-collect-TIME",
    .completes = WordKind::kDirectories,
});

constexpr DurationOption kTimeLimit =
    timeLimitOption("60s", "how long all of it may take; what came until then stays");

constexpr char kNotes[] =
    R"(Without --file and --command it takes what the key "collect" of the cluster file
names, as a test that fails does. In the directory each node has its own, with
collected.txt, which says what is there, what was cut and what failed. If a
node has more than it may give, the ends of its largest files are taken.

  muster collect @server --file '/var/log/kvd/*.log' --command 'ss -tanp'

Exit status: 0 if every node was reached, 69 if one was not.
)";

std::string defaultDirectory() {
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[64];
  std::strftime(text, sizeof text, "muster-collect-%Y%m%dT%H%M%SZ", &utc);
  return text;
}

std::vector<std::string> filesOf(const Arguments& arguments) {
  for (const std::string& pattern : arguments[kNodeFiles]) {
    std::string problem = collectFileProblem(pattern);
    if (problem.empty()) continue;
    throw CommandError(kExitUsage, "--file: " + inQuotes(pattern) + " " + problem);
  }
  return arguments[kNodeFiles];
}

CollectWish wishOn(const ClusterCollect& collect, const std::string& node,
                   const Arguments& arguments) {
  CollectWish wish;
  if (arguments.has(kNodeFiles) || arguments.has(kCommand)) {
    wish.files = filesOf(arguments);
    for (const std::string& line : arguments[kCommand]) wish.commands.push_back({"sh", "-c", line});
  } else {
    wish = collectOn(collect, node);
  }
  if (arguments.has(kMaxSize)) wish.bytesMax = collectBytesFrom(arguments[kMaxSize]);
  return wish;
}

// Earlier files would pass for those of now.
void requireNew(const std::string& directory, const std::vector<CollectFrom>& all) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) throw CommandError(kExitCannotCreate, directory + ": " + failed.message());
  for (const CollectFrom& from : all) {
    auto own = std::filesystem::path(directory) / from.node->description().name;
    if (!std::filesystem::exists(own)) continue;
    throw CommandError(kExitCannotCreate,
                       own.string() + ": is there already; choose another place with -o");
  }
}

Json jsonOf(const std::string& directory, const std::vector<Collected>& collected) {
  Json list = Json::array();
  for (const Collected& each : collected) {
    list.push_back({{"node", each.node},
                    {"reached", each.isReached},
                    {"files", each.files},
                    {"outputs", each.outputs},
                    {"bytes", each.bytes},
                    {"gaps", each.gaps}});
  }
  return {{"directory", directory}, {"nodes", std::move(list)}};
}

int run(const Arguments& arguments) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  ClusterCollect collect = wishesOf(arguments[kCluster]).collect;
  Connections connections(nodes, chooseRunId(""));
  std::vector<CollectFrom> all;
  for (ControllerNode* node : connections.nodes()) {
    CollectWish wish = wishOn(collect, node->description().name, arguments);
    if (!wish.empty()) all.push_back({node, std::move(wish)});
  }
  if (all.empty()) {
    throw CommandError(kExitUsage,
                       "name what is wanted by --file and --command; the file of cluster " +
                           inQuotes(cluster.name) + " has no key \"collect\" for these nodes");
  }
  std::string directory = arguments.has(kOutput) ? arguments[kOutput] : defaultDirectory();
  requireNew(directory, all);
  auto end = std::chrono::steady_clock::now() + arguments[kTimeLimit];
  std::vector<Collected> collected = collectFrom(all, directory, end);
  bool isWhole = true;
  for (const Collected& each : collected) {
    isWhole = isWhole && each.isReached;
    if (!arguments[kJson]) std::cout << toString(each) << "\n";
    for (const std::string& gap : each.gaps) {
      std::cerr << "muster collect: " << each.node << ": " << gap << "\n";
    }
  }
  if (arguments[kJson]) printJson(jsonOf(directory, collected));
  if (!arguments[kJson]) std::cout << directory << "\n";
  return isWhole ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kCollect = {
    .name = "collect",
    .usage = "[NODESET]",
    .summary = "take files and outputs of commands from nodes into a directory",
    .options =
        [] {
          return OptionList{&kCluster, &kNodeFiles, &kCommand, &kMaxSize,
                            &kOutput,  &kTimeLimit, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
