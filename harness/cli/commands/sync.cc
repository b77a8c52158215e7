// sync: makes a directory like another one, and sends only what differs.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/copy_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/rpc/file/copy.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr Flag kDelete({
    .name = "delete",
    .help = "remove what the target has and the source does not",
});

constexpr Flag kKeepSetuid({
    .name = "keep-setuid",
    .help = "keep setuid, setgid and capabilities of files from nodes, and devices",
});

constexpr DurationOption kTimeLimit = timeLimitOption("1h", "how long all of it may take");

constexpr char kNotes[] =
    R"(SOURCE and TARGET are directories. A word with a colon before its first slash is
NODE:PATH, with an absolute path; any other word is a path of this machine. The
target may be on several nodes, as NODESET:PATH; each becomes like the source.
It is made if only it is missing. No program is needed on the nodes.

Files of the same size, modification time, mode, owner, attributes and links
count as equal, and are not sent. The others are copied whole, as by
`muster cp -r`. Nothing is removed without --delete, and never outside of the
target. A file in the place of a directory, and the other way round, is an error
without --delete.

Exit status: 0 if every target is like the source; 1 if one is not; 66 if a
local source cannot be read; 69 if a node could not be reached.
)";

constexpr int kStatusFailed = 1;

struct Synced {
  CopyEnd target;
  muster::TransferResult result;
  std::optional<muster::NodeError> error;
};

std::string endText(const CopyEnd& end) {
  return (end.node == nullptr ? "" : end.node->description().name + ":") + end.path;
}

std::vector<CopyEnd> endsOf(const CopyWord& word, const ClusterDescription* cluster,
                            const Connections* connections) {
  if (word.nodes.empty()) return {{nullptr, word.path}};
  std::vector<CopyEnd> ends;
  for (const NodeDescription& chosen : chooseNodes(*cluster, word.nodes)) {
    for (ControllerNode* node : connections->nodes()) {
      if (node->description().name == chosen.name) ends.push_back({node, word.path});
    }
  }
  return ends;
}

// The nodes of both words, each once.
std::vector<NodeDescription> nodesOf(const ClusterDescription& cluster, const CopyWord& source,
                                     const CopyWord& target) {
  std::vector<NodeDescription> nodes;
  for (const CopyWord* word : {&source, &target}) {
    if (word->nodes.empty()) continue;
    for (const NodeDescription& node : chooseNodes(cluster, word->nodes)) {
      bool isKnown = std::any_of(nodes.begin(), nodes.end(),
                                 [&](const auto& other) { return other.name == node.name; });
      if (!isKnown) nodes.push_back(node);
    }
  }
  return nodes;
}

// A directory within the other would be copied, or removed, while it is being read.
void refuseOneWithinTheOther(const CopyEnd& source, const CopyEnd& target) {
  if (source.node != target.node) return;
  auto plain = [&](const std::string& path) {
    std::filesystem::path whole = path;
    if (source.node == nullptr) whole = std::filesystem::absolute(whole);
    return (whole / "").lexically_normal().string();
  };
  std::string from = plain(source.path);
  std::string to = plain(target.path);
  if (!from.starts_with(to) && !to.starts_with(from)) return;
  throw CommandError(kExitUsage, endText(source) + " and " + endText(target) +
                                     " are the same, or one is within the other");
}

void syncAll(const CopyEnd& source, std::vector<Synced>& all, const CopyOptions& options,
             muster::SteadyTime until) {
  std::vector<std::jthread> threads;
  for (Synced& each : all) {
    threads.emplace_back([&] {
      try {
        each.result = copy(source, each.target, options, until);
      } catch (const muster::NodeError& error) {
        each.error = error;
      }
    });
  }
}

Json syncedJson(const CopyEnd& source, const Synced& synced) {
  return {{"source", endText(source)},
          {"target", endText(synced.target)},
          {"files", synced.result.files},
          {"bytes", synced.result.bytes},
          {"unchanged", synced.result.unchanged},
          {"deleted", synced.result.deleted},
          {"left_out", synced.result.leftOut},
          {"left_out_files", synced.result.leftOutFiles},
          {"error", synced.error ? Json(synced.error->what()) : Json(nullptr)},
          {"error_kind", synced.error ? Json(toString(synced.error->kind())) : Json(nullptr)}};
}

int report(const Arguments& arguments, const CopyEnd& source, const std::vector<Synced>& all) {
  int status = kExitOk;
  Json list = Json::array();
  for (const Synced& synced : all) {
    list.push_back(syncedJson(source, synced));
    std::string name = support::printable(endText(synced.target));
    for (const std::string& file : synced.result.leftOutFiles) {
      std::cerr << "muster sync: " << name << ": left out " << support::printable(file) << "\n";
    }
    if (synced.error) {
      bool isUnreachable = synced.error->kind() == muster::NodeError::Kind::kUnreachable ||
                           synced.error->kind() == muster::NodeError::Kind::kRefused;
      status = std::max<int>(status, isUnreachable ? kExitUnavailable : kStatusFailed);
      std::cerr << "muster sync: " << name << ": "
                << support::printable(synced.error->what(), support::Lines::kMany) << "\n";
    } else if (!arguments[kJson]) {
      std::cout << name << ": " << synced.result.files << " files sent, " << synced.result.bytes
                << " bytes, " << synced.result.unchanged << " unchanged, " << synced.result.deleted
                << " deleted\n";
    }
  }
  if (arguments[kJson]) printJson({{"targets", std::move(list)}});
  return status;
}

void requireLocalSource(const CopyWord& source) {
  std::error_code failed;
  if (!source.nodes.empty() || std::filesystem::is_directory(source.path, failed)) return;
  throw CommandError(kExitNoInput, source.path + ": is no directory that can be read");
}

int run(const Arguments& arguments) {
  CopyWord source = copyWord(arguments.words()[0]);
  CopyWord target = copyWord(arguments.words()[1]);
  if (source.nodes.empty() && target.nodes.empty()) {
    throw CommandError(kExitUsage, "none of these is on a node; name one as NODE:PATH");
  }
  requireLocalSource(source);
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = nodesOf(cluster, source, target);
  Connections connections(nodes, chooseRunId(""));
  std::vector<CopyEnd> sources = endsOf(source, &cluster, &connections);
  if (sources.size() != 1) {
    throw CommandError(kExitUsage,
                       "\"" + source.nodes + "\" is several nodes; a target is like one");
  }
  std::vector<Synced> all;
  for (CopyEnd& end : endsOf(target, &cluster, &connections)) {
    refuseOneWithinTheOther(sources[0], end);
    all.push_back({std::move(end), {}, {}});
  }
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  if (!reachable.errors.empty()) {
    complain(arguments.command(), reachable.errors);
    return kExitUnavailable;
  }
  CopyOptions options;
  options.what = CopyOptions::What::kTree;
  options.keep = CopyOptions::Keep::kAll;
  options.root = CopyOptions::Root::kLikeSource;
  options.existing =
      arguments[kDelete] ? CopyOptions::Existing::kMirrored : CopyOptions::Existing::kCompared;
  if (arguments[kKeepSetuid]) options.privileges = CopyOptions::Privileges::kKeep;
  syncAll(sources[0], all, options, std::chrono::steady_clock::now() + arguments[kTimeLimit]);
  return report(arguments, sources[0], all);
}

}  // namespace

const Command kSync = {
    .name = "sync",
    .usage = "SOURCE TARGET",
    .summary = "make a directory like another, here or on nodes",
    .options =
        [] {
          return OptionList{&kCluster,   &kDelete,         &kKeepSetuid,
                            &kTimeLimit, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 2,
    .wordsMost = 2,
    .completes = WordKind::kCopies,
    .notes = kNotes,
};

}  // namespace harness
