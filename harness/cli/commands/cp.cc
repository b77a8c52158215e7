// cp: files and trees between this machine and nodes.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <tuple>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/copy_archive.h"
#include "harness/cli/copy_progress.h"
#include "harness/cli/copy_transfer.h"
#include "harness/cli/copy_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/rpc/file/copy.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/file/path_patterns.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using NodeKind = muster::NodeError::Kind;

constexpr Flag kRecursive({
    .name = "recursive",
    .letter = 'r',
    .help = "copy directories with all below them",
});

constexpr Flag kParents({
    .name = "parents",
    .letter = 'p',
    .help = "make missing parent directories of a target on nodes",
});

constexpr Flag kNoClobber({
    .name = "no-clobber",
    .letter = 'n',
    .help = "refuse to replace a file",
});

constexpr Flag kExactTarget({
    .name = "no-target-directory",
    .letter = 'T',
    .help = "refuse a target that is a directory",
});

constexpr Flag kKeepSetuid({
    .name = "keep-setuid",
    .help = "keep setuid, setgid and capabilities of files from nodes, and devices",
});

constexpr Flag kInPlace({
    .name = "in-place",
    .help = "write the content of one file into a target that is there",
});

constexpr Flag kArchive({
    .name = "archive",
    .help = "make the target a tar file, with a directory for each node",
});

constexpr DurationOption kTimeLimit = timeLimitOption("1h", "how long the whole copy may take");

constexpr char kNotes[] =
    R"(A word with a colon before its first slash is NODESET:PATH, with an absolute
path; any other word is a path of this machine. A target that is a directory
gets the sources in it, under their names, which must differ. Each node of a
target gets a copy. *, ? and [...] in a path on a node match its files, unless
there is a file of just that name.
Sources on several nodes go to a local directory, which gets a directory for
each node. From node to node, the bytes pass through this machine, one piece
at a time.

With --archive, the target is a tar file of this machine (pax), which is made
anew, and compressed if its name ends with .gz or .tgz. It has NODE/NAME of each
source, in whole files. A node that fails has NODE.error there, with the reason,
and perhaps a part of its files. If nothing was copied, there is no archive.

Modes, modification times, symbolic and hard links of trees, extended attributes
with ACLs, and holes are kept, those of directories too. Owners are kept too,
except that a local target keeps them only if we are root. A file is replaced in
one step, after its digest was compared. Pipes, sockets and devices are made; if
the target may not make one, it is named and left out. Files from nodes lose
setuid, setgid and capabilities, and their devices are left out, unless
--keep-setuid is given.

--in-place is for files that nothing can replace, such as bind mounts and those
of /proc/sys and /sys. The target keeps all but its content; others may see a
part of the new content, which also stays after a failure.

Exit status: 0 if everything was copied; 1 if a copy failed; 66 if a local
source cannot be read; 69 if a node could not be reached.
)";

constexpr int kStatusFailed = 1;

Json orNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json transferJson(const CopyTransfer& transfer) {
  return {{"source", endText(transfer.source)},
          {"target", endText(transfer.target)},
          {"files", transfer.result.files},
          {"bytes", transfer.result.bytes},
          {"sha256", transfer.result.digest},
          {"left_out", transfer.result.leftOut},
          {"left_out_files", transfer.result.leftOutFiles},
          {"error", orNull(transfer.failure.text)},
          {"error_kind", orNull(transfer.failure.kind)}};
}

int report(const std::vector<CopyTransfer>& transfers, const Arguments& arguments) {
  int status = kExitOk;
  Json list = Json::array();
  for (const CopyTransfer& transfer : transfers) {
    list.push_back(transferJson(transfer));
    std::string between =
        support::printable(endText(transfer.source) + " to " + endText(transfer.target));
    for (const std::string& file : transfer.result.leftOutFiles) {
      std::cerr << "muster cp: " << between << ": left out " << support::printable(file) << "\n";
    }
    if (uint64_t more = transfer.result.leftOut - transfer.result.leftOutFiles.size(); more > 0) {
      std::cerr << "muster cp: " << between << ": left out " << more << " more\n";
    }
    if (transfer.failure.text.empty()) continue;
    std::cerr << "muster cp: " << between << ": "
              << support::printable(transfer.failure.text, support::Lines::kMany) << "\n";
    status = std::max<int>(status, transfer.failure.isAbsence ? kExitUnavailable : kStatusFailed);
  }
  if (arguments[kJson]) printJson({{"transfers", std::move(list)}});
  return status;
}

// The connections to the nodes of all words, one to each node.
class Ends {
 public:
  Ends(const std::vector<CopyWord>& words, const std::string& clusterChoice,
       std::chrono::nanoseconds connectTimeout) {
    bool remote = std::any_of(words.begin(), words.end(),
                              [](const CopyWord& word) { return !word.nodes.empty(); });
    if (!remote)
      throw CommandError(kExitUsage, "none of these is on a node; name one as NODE:PATH");
    ClusterDescription cluster = clusterOf(clusterChoice);
    for (const CopyWord& word : words) {
      auto& names = names_.emplace_back();
      if (word.nodes.empty()) continue;
      for (const NodeDescription& node : chooseNodes(cluster, word.nodes)) {
        names.push_back(node.name);
        bool known = std::any_of(nodes_.begin(), nodes_.end(),
                                 [&](const auto& other) { return other.name == node.name; });
        if (!known) nodes_.push_back(node);
      }
    }
    connections_ = std::make_unique<Connections>(nodes_, chooseRunId(""));
    auto errors = connections_->controller().awaitAll(
        connections_->nodes(), std::chrono::steady_clock::now() + connectTimeout);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!errors[i]) continue;
      failures_.emplace(nodes_[i].name, failureOf(*errors[i], errors[i]->what()));
    }
  }

  // The ends that the word at `index` means: one on this machine, or one on each of its nodes.
  std::vector<CopyEnd> of(size_t index, const CopyWord& word) const {
    if (word.nodes.empty()) return {{nullptr, word.path}};
    std::vector<CopyEnd> ends;
    for (const std::string& name : names_[index]) ends.push_back({nodeOf(name), word.path});
    return ends;
  }

  // Why the node of an end cannot be reached.
  CopyFailure failure(const CopyEnd& end) const {
    if (end.node == nullptr) return {};
    auto found = failures_.find(end.node->description().name);
    return found == failures_.end() ? CopyFailure() : found->second;
  }

 private:
  ControllerNode* nodeOf(const std::string& name) const {
    for (ControllerNode* node : connections_->nodes()) {
      if (node->description().name == name) return node;
    }
    throw CommandError(kExitInternal, "no connection to node " + name);
  }

  // For each word, the names of its nodes.
  std::vector<std::vector<std::string>> names_;
  std::vector<NodeDescription> nodes_;
  std::unique_ptr<Connections> connections_;
  std::map<std::string, CopyFailure> failures_;
};

// A source as it was found: the path that a pattern matched, or the word's own.
struct Source {
  CopyEnd end;
  CopyFailure failure = {};
};

// Expands a pattern on the node of `end`. A path that is there is meant as it stands.
std::vector<Source> sourcesOf(const CopyEnd& end, const Ends& ends, muster::SteadyTime until) {
  CopyFailure failure = ends.failure(end);
  if (!failure.text.empty()) return {Source{end, failure}};
  if (end.node == nullptr || !isPattern(end.path)) return {Source{end}};
  rpc::Files files(*end.node);
  try {
    if (files.stat(end.path, muster::SymlinkPolicy::kKeep, until)) return {Source{end}};
    auto namesIn = [&](const std::string& directory) {
      std::vector<std::string> names;
      auto stat = files.stat(directory, muster::SymlinkPolicy::kFollow, until);
      if (!stat || stat->type != muster::FileType::kDirectory) return names;
      for (auto& entry : files.list(directory + "/.", until))
        names.push_back(std::move(entry.name));
      return names;
    };
    std::vector<Source> sources;
    for (std::string& path : expandPattern(end.path, namesIn)) {
      sources.push_back(Source{{end.node, std::move(path)}});
    }
    if (sources.empty()) refuseCopy(NodeKind::kNotFound, "no file matches");
    return sources;
  } catch (const muster::NodeError& error) {
    return {Source{end, failureOf(error, error.node().empty() ? error.detail() : error.what())}};
  }
}

// Refuses sources that would replace each other.
void requireDifferentNames(const std::vector<CopyTransfer>& transfers) {
  std::map<std::tuple<const ControllerNode*, std::string, std::string>, const CopyEnd*> taken;
  for (const CopyTransfer& transfer : transfers) {
    std::string name = lastNameOf(transfer.source.path);
    std::string directory =
        transfer.intoOwnDirectory ? transfer.source.node->description().name : "";
    if (!transfer.isOneOfSeveral || name.empty()) continue;
    auto [found, isNew] =
        taken.try_emplace({transfer.target.node, directory, name}, &transfer.source);
    if (isNew) continue;
    throw CommandError(kExitUsage, endText(*found->second) + " and " + endText(transfer.source) +
                                       " would both become \"" + name + "\" in " +
                                       endText(transfer.target) + "; copy them one by one");
  }
}

std::vector<CopyTransfer> plan(const std::vector<CopyWord>& words, const Ends& ends,
                               const CopyManner& manner) {
  std::vector<CopyTransfer> transfers;
  size_t last = words.size() - 1;
  bool isOneOfSeveral = last > 1;
  for (size_t i = 0; i < last; ++i) {
    std::vector<CopyEnd> nodes = ends.of(i, words[i]);
    bool several = nodes.size() > 1;
    if (several && !words[last].nodes.empty()) {
      throw CommandError(
          kExitUsage,
          "\"" + words[i].nodes + "\" is several nodes: their files go to a local directory");
    }
    for (const CopyEnd& node : nodes) {
      std::vector<Source> sources = sourcesOf(node, ends, manner.until);
      isOneOfSeveral = isOneOfSeveral || sources.size() > 1;
      for (const Source& source : sources) {
        for (const CopyEnd& target : ends.of(last, words[last])) {
          CopyTransfer transfer;
          transfer.source = source.end;
          transfer.target = target;
          transfer.intoOwnDirectory = several || manner.archive != nullptr;
          transfer.failure = source.failure.text.empty() ? ends.failure(target) : source.failure;
          transfers.push_back(std::move(transfer));
        }
      }
    }
  }
  for (CopyTransfer& transfer : transfers) transfer.isOneOfSeveral = isOneOfSeveral;
  requireDifferentNames(transfers);
  return transfers;
}

void requireLocalSources(const std::vector<CopyWord>& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!words[i].nodes.empty() || ::access(words[i].path.c_str(), R_OK) == 0) continue;
    throw CommandError(kExitNoInput, words[i].path + ": cannot be read: " + std::strerror(errno));
  }
}

CopyManner mannerOf(const Arguments& arguments) {
  CopyManner manner;
  manner.recursive = arguments[kRecursive];
  manner.hasExactTarget = arguments[kExactTarget];
  manner.options.keep = CopyOptions::Keep::kAll;
  manner.options.root = CopyOptions::Root::kLikeSource;
  if (arguments[kInPlace]) manner.options.write.way = muster::WriteWay::kInPlace;
  manner.options.write.parents = arguments[kParents];
  if (arguments[kKeepSetuid]) manner.options.privileges = CopyOptions::Privileges::kKeep;
  if (arguments[kNoClobber]) manner.options.write.existing = muster::IfExists::kRefuse;
  manner.until = std::chrono::steady_clock::now() + arguments[kTimeLimit];
  return manner;
}

// Says in the archive what is missing in it, and gives it its name if anything is in it.
void finish(TarArchive& archive, const std::vector<CopyTransfer>& transfers,
            const CopyManner& manner) {
  std::map<std::string, std::string> failures;
  bool isEmpty = true;
  for (const CopyTransfer& transfer : transfers) {
    isEmpty = isEmpty && !transfer.failure.text.empty();
    if (transfer.failure.text.empty()) continue;
    std::string& text = failures[transfer.source.node->description().name];
    text += (text.empty() ? "" : "\n") + transfer.source.path + ": " + transfer.failure.text;
  }
  if (!isEmpty) finishArchive(archive, failures, manner.options.write.existing);
}

int run(const Arguments& arguments) {
  std::vector<CopyWord> words;
  for (const std::string& word : arguments.words()) words.push_back(copyWord(word));
  if (arguments[kArchive]) {
    requireArchiveWords(words);
    if (arguments[kParents] || arguments[kInPlace]) {
      throw CommandError(kExitUsage, "--archive makes a new file; --parents and --in-place do not");
    }
  }
  requireLocalSources(words);
  CopyManner manner = mannerOf(arguments);
  std::unique_ptr<TarArchive> archive;
  if (arguments[kArchive]) archive = beginArchive(words.back().path);
  manner.archive = archive.get();
  Ends ends(words, arguments[kCluster], arguments[kConnectTimeout]);
  std::vector<CopyTransfer> transfers = plan(words, ends, manner);
  CopyProgress progress;
  manner.options.progress = [&progress](uint64_t bytes) { progress.add(bytes); };
  carryOutAll(transfers, manner);
  progress.end();
  int status = report(transfers, arguments);
  if (archive) finish(*archive, transfers, manner);
  return status;
}

}  // namespace

const Command kCp = {
    .name = "cp",
    .usage = "SOURCE... TARGET",
    .summary = "copy files and trees between this machine and nodes",
    .options =
        [] {
          return OptionList{&kCluster,   &kRecursive,      &kParents,    &kNoClobber,
                            &kInPlace,   &kExactTarget,    &kKeepSetuid, &kArchive,
                            &kTimeLimit, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 2,
    .wordsMost = 1000,
    .completes = WordKind::kCopies,
    .notes = kNotes,
};

}  // namespace harness
