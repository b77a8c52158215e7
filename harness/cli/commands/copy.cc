// cp: files and trees between this machine and nodes.
#include "harness/rpc/file/copy.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "harness/cli/clusters.h"
#include "harness/cli/command.h"
#include "harness/cli/connections.h"
#include "harness/cli/copy_words.h"
#include "harness/cli/table.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

constexpr char kFooter[] = R"(
A word with a colon before its first slash is NODESET:PATH, with an absolute path; any other is a
path of this machine. A target that is a directory gets the sources in it, under their names. To
several nodes, each gets a copy; from several, the target is a local directory that gets one below
it for each node. From node to node, the bytes come by way of this machine, a piece at a time.

Mode, modification time, symbolic links of trees, extended attributes with ACLs and holes are kept;
owners too, except for local targets unless we are root. Each file is replaced in one step, and only
when its digest was compared. Sockets, pipes and devices are left out. The bits setuid and setgid,
and capabilities, of what comes here from nodes are dropped, but with --keep-setuid.

Exit status: 0 done; 1 a copy failed; 66 a local source cannot be read; 69 a node could not be
reached.
)";

constexpr int kStatusFailed = 1;
constexpr size_t kNodesAtOnce = 16;
constexpr std::chrono::milliseconds kProgressEvery{200};

struct Transfer {
  CopyEnd source;
  CopyEnd target;
  bool intoOwnDirectory = false;  // Of several source nodes: target/NODE.
  muster::TransferResult result;
  std::string error;
  bool unreachable = false;

  const std::string& worker() const {
    static const std::string kHere;
    const NodeStub* node = target.node != nullptr ? target.node : source.node;
    return node != nullptr ? node->description().name : kHere;
  }
};

std::string endText(const CopyEnd& end) {
  return (end.node == nullptr ? "" : end.node->description().name + ":") + end.path;
}

enum class Kind { kNothing, kFile, kDirectory, kOther };

// What is there; links are followed.
Kind kindOf(const CopyEnd& end, muster::SteadyTime until) {
  if (end.node == nullptr) {
    std::error_code ignored;
    fs::file_status status = fs::status(end.path, ignored);
    if (fs::is_directory(status)) return Kind::kDirectory;
    if (fs::is_regular_file(status)) return Kind::kFile;
    return fs::exists(status) ? Kind::kOther : Kind::kNothing;
  }
  auto stat = end.node->files().stat(end.path, muster::SymlinkPolicy::kFollow, until);
  if (!stat) return Kind::kNothing;
  if (stat->type == muster::FileType::kDirectory) return Kind::kDirectory;
  return stat->type == muster::FileType::kRegular ? Kind::kFile : Kind::kOther;
}

// How all of the copies of one command are made.
struct Manner {
  bool recursive = false;
  bool severalSources = false;
  CopyOptions options;
  muster::SteadyTime until;
};

CopyOptions::What whatOf(const Transfer& transfer, const Manner& manner) {
  Kind kind = kindOf(transfer.source, manner.until);
  if (kind == Kind::kNothing) throw std::runtime_error("no such file or directory");
  if (kind == Kind::kOther) throw std::runtime_error("is not a regular file or directory");
  if (kind == Kind::kFile) return CopyOptions::What::kFile;
  if (!manner.recursive) throw std::runtime_error("is a directory; copy it with -r");
  return CopyOptions::What::kTree;
}

CopyEnd targetOf(const Transfer& transfer, const Manner& manner) {
  CopyEnd target = transfer.target;
  if (transfer.intoOwnDirectory) {
    target.path += "/" + transfer.source.node->description().name;
    std::error_code failed;
    fs::create_directories(target.path, failed);
    if (failed) throw std::runtime_error(target.path + ": " + failed.message());
  }
  bool isDirectory = kindOf(target, manner.until) == Kind::kDirectory;
  if (isDirectory) {
    target.path = joined(target.path, lastNameOf(transfer.source.path));
  } else if (manner.severalSources || target.path.ends_with("/")) {
    throw std::runtime_error("the target " + endText(target) + " is not a directory");
  } else if (target.node != nullptr && !manner.options.write.parents) {
    CopyEnd parent{target.node, target.path.substr(0, target.path.find_last_of('/') + 1)};
    if (kindOf(parent, manner.until) != Kind::kDirectory) {
      throw std::runtime_error("no such file or directory: " + endText(parent) +
                               "; -p makes directories that are missing");
    }
  }
  return target;
}

void carryOut(Transfer& transfer, const Manner& manner) {
  try {
    CopyOptions options = manner.options;
    options.what = whatOf(transfer, manner);
    transfer.target = targetOf(transfer, manner);
    transfer.result = copy(transfer.source, transfer.target, options, manner.until);
  } catch (const muster::NodeError& error) {
    transfer.error = error.node().empty() ? error.detail() : error.what();
    transfer.unreachable = error.kind() == muster::NodeError::Kind::kUnreachable ||
                           error.kind() == muster::NodeError::Kind::kRefused;
  } catch (const std::exception& error) {
    transfer.error = error.what();
  }
}

// How much has arrived, on a line of the terminal that is written again and again.
class Progress {
 public:
  Progress() : shown_(::isatty(STDERR_FILENO) != 0) {}

  void add(uint64_t bytes) {
    uint64_t total = bytes_ += bytes;
    if (!shown_) return;
    std::lock_guard<std::mutex> lock(mutex_);
    auto now = std::chrono::steady_clock::now();
    if (now - last_ < kProgressEvery) return;
    last_ = now;
    std::cerr << "\r" << total / 1'000'000 << " MB\x1b[K" << std::flush;
    written_ = true;
  }
  void end() {
    if (written_) std::cerr << "\r\x1b[K" << std::flush;
  }

 private:
  bool shown_;
  std::atomic<uint64_t> bytes_{0};
  std::mutex mutex_;  // Guards the next two.
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool written_ = false;
};

// Those of one node one after the other, nodes side by side.
void carryOutAll(std::vector<Transfer>& transfers, const Manner& manner) {
  std::map<std::string, std::vector<Transfer*>> byNode;
  for (Transfer& transfer : transfers) {
    if (transfer.error.empty()) byNode[transfer.worker()].push_back(&transfer);
  }
  std::vector<std::vector<Transfer*>> queues;
  for (auto& [node, queue] : byNode) queues.push_back(std::move(queue));
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t at = next++; at < queues.size(); at = next++) {
      for (Transfer* transfer : queues[at]) carryOut(*transfer, manner);
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(queues.size(), kNodesAtOnce); ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

Json transferJson(const Transfer& transfer) {
  return {{"source", endText(transfer.source)},
          {"target", endText(transfer.target)},
          {"files", transfer.result.files},
          {"bytes", transfer.result.bytes},
          {"sha256", transfer.result.digest},
          {"left_out", transfer.result.leftOut},
          {"error", transfer.error.empty() ? Json(nullptr) : Json(transfer.error)}};
}

int report(const std::vector<Transfer>& transfers, bool asJson) {
  int status = kExitOk;
  Json list = Json::array();
  for (const Transfer& transfer : transfers) {
    list.push_back(transferJson(transfer));
    std::string between = endText(transfer.source) + " to " + endText(transfer.target);
    if (transfer.result.leftOut > 0) {
      std::cerr << "muster cp: " << between << ": left out " << transfer.result.leftOut
                << " sockets, pipes or devices\n";
    }
    if (transfer.error.empty()) continue;
    std::cerr << "muster cp: " << between << ": " << transfer.error << "\n";
    status = std::max<int>(status, transfer.unreachable ? kExitUnavailable : kStatusFailed);
  }
  if (asJson) printJson({{"transfers", std::move(list)}});
  return status;
}

// The nodes of all words, each once, and the connections to them.
class Ends {
 public:
  Ends(const std::vector<CopyWord>& words, const std::string& clusterChoice,
       std::chrono::nanoseconds patience) {
    bool remote = std::any_of(words.begin(), words.end(),
                              [](const CopyWord& word) { return !word.nodes.empty(); });
    if (!remote)
      throw CommandError(kExitUsage, "none of these is on a node; name one as NODE:PATH");
    ClusterDescription cluster = chooseCluster(clusterChoice);
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
    auto errors = connections_->controller().awaitAll(connections_->nodes(),
                                                      std::chrono::steady_clock::now() + patience);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (errors[i]) errors_.emplace(nodes_[i].name, errors[i]->what());
    }
  }

  // What the word of that index means: this machine, or each of its nodes.
  std::vector<CopyEnd> of(size_t index, const CopyWord& word) const {
    if (word.nodes.empty()) return {{nullptr, word.path}};
    std::vector<CopyEnd> ends;
    for (const std::string& name : names_[index]) ends.push_back({stubOf(name), word.path});
    return ends;
  }

  // Why the node of an end cannot be reached; empty: it can.
  std::string problem(const CopyEnd& end) const {
    if (end.node == nullptr) return "";
    auto found = errors_.find(end.node->description().name);
    return found == errors_.end() ? "" : found->second;
  }

 private:
  NodeStub* stubOf(const std::string& name) const {
    for (NodeStub* stub : connections_->nodes()) {
      if (stub->description().name == name) return stub;
    }
    throw CommandError(kExitInternal, "no connection to node " + name);
  }

  std::vector<std::vector<std::string>> names_;  // By word.
  std::vector<NodeDescription> nodes_;
  std::unique_ptr<Connections> connections_;
  std::map<std::string, std::string> errors_;
};

std::vector<Transfer> plan(const std::vector<CopyWord>& words, const Ends& ends) {
  std::vector<Transfer> transfers;
  size_t last = words.size() - 1;
  for (size_t i = 0; i < last; ++i) {
    std::vector<CopyEnd> sources = ends.of(i, words[i]);
    bool several = sources.size() > 1;
    if (several && !words[last].nodes.empty()) {
      throw CommandError(
          kExitUsage,
          "\"" + words[i].nodes + "\" is several nodes: their files go to a local directory");
    }
    for (const CopyEnd& source : sources) {
      for (const CopyEnd& target : ends.of(last, words[last])) {
        Transfer transfer;
        transfer.source = source;
        transfer.target = target;
        transfer.intoOwnDirectory = several;
        transfer.error = ends.problem(source) + ends.problem(target);
        transfer.unreachable = !transfer.error.empty();
        transfers.push_back(std::move(transfer));
      }
    }
  }
  return transfers;
}

void requireLocalSources(const std::vector<CopyWord>& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!words[i].nodes.empty() || ::access(words[i].path.c_str(), R_OK) == 0) continue;
    throw CommandError(kExitNoInput, words[i].path + ": cannot be read: " + std::strerror(errno));
  }
}

}  // namespace

int runCopy(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  options.add_options()("cluster", "name or file",
                        cxxopts::value<std::string>()->default_value(""))(
      "r,recursive", "copy directories and all below them")(
      "p,parents", "make missing parent directories of the target, on nodes")(
      "n,no-clobber", "refuse to replace what is there")(
      "keep-setuid", "keep setuid, setgid and capabilities of what comes from nodes")(
      "json", "as JSON")("t,timeout", "time that all of it is allowed",
                         cxxopts::value<std::string>()->default_value("1h"))(
      "patience", "time to wait for nodes that do not answer",
      cxxopts::value<std::string>()->default_value("5s"));
  cxxopts::ParseResult arguments = parseArguments(invocation, options, kFooter);
  std::vector<CopyWord> words;
  for (const std::string& word : positional(arguments, invocation, 2, 1000)) {
    words.push_back(copyWord(word));
  }
  requireLocalSources(words);
  Manner manner;
  manner.recursive = arguments.count("recursive") != 0;
  manner.severalSources = words.size() > 2;
  manner.options.keep = CopyOptions::Keep::kAll;
  manner.options.write.parents = arguments.count("parents") != 0;
  if (arguments.count("keep-setuid") != 0) {
    manner.options.privileges = CopyOptions::Privileges::kKeep;
  }
  if (arguments.count("no-clobber") != 0) {
    manner.options.write.existing = muster::Existing::kRefuse;
  }
  auto timeout = durationOption(arguments["timeout"].as<std::string>(), "timeout");
  manner.until = std::chrono::steady_clock::now() + timeout;
  Ends ends(words, arguments["cluster"].as<std::string>(),
            durationOption(arguments["patience"].as<std::string>(), "patience"));
  std::vector<Transfer> transfers = plan(words, ends);
  Progress progress;
  manner.options.progress = [&progress](uint64_t bytes) { progress.add(bytes); };
  carryOutAll(transfers, manner);
  progress.end();
  return report(transfers, arguments.count("json") != 0);
}

}  // namespace harness
