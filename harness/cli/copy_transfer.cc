#include "harness/cli/copy_transfer.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include "harness/cli/copy_words.h"
#include "harness/rpc/controller_node.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/file/path_patterns.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using NodeKind = muster::NodeError::Kind;

constexpr size_t kNodesAtOnce = 16;

enum class Kind { kNothing, kFile, kDirectory, kOther };

// Returns the kind of file at an end, following symbolic links.
Kind kindOf(const CopyEnd& end, muster::SteadyTime until) {
  if (end.node == nullptr) {
    std::error_code ignored;
    fs::file_status status = fs::status(end.path, ignored);
    if (fs::is_directory(status)) return Kind::kDirectory;
    if (fs::is_regular_file(status)) return Kind::kFile;
    return fs::exists(status) ? Kind::kOther : Kind::kNothing;
  }
  auto stat = rpc::Files(*end.node).stat(end.path, muster::SymlinkPolicy::kFollow, until);
  if (!stat) return Kind::kNothing;
  if (stat->type == muster::FileType::kDirectory) return Kind::kDirectory;
  return stat->type == muster::FileType::kRegular ? Kind::kFile : Kind::kOther;
}

CopyOptions::What whatOf(const CopyTransfer& transfer, const CopyManner& manner) {
  Kind kind = kindOf(transfer.source, manner.until);
  if (kind == Kind::kNothing) refuseCopy(NodeKind::kNotFound, "no such file or directory");
  if (kind == Kind::kOther) refuseCopy(NodeKind::kInvalid, "is not a regular file or directory");
  if (kind == Kind::kFile) return CopyOptions::What::kFile;
  if (manner.options.write.way == muster::WriteWay::kInPlace) {
    refuseCopy(NodeKind::kInvalid, "is a directory; only a file can be written in place");
  }
  if (!manner.recursive) refuseCopy(NodeKind::kInvalid, "is a directory; copy it with -r");
  return CopyOptions::What::kTree;
}

// Decides the final target as cp(1) does: a file goes into an existing directory under its own
// name, and several sources need such a directory. A missing parent is found here, before any byte
// is sent.
CopyEnd targetOf(const CopyTransfer& transfer, const CopyManner& manner) {
  CopyEnd target = transfer.target;
  if (transfer.intoOwnDirectory && manner.hasExactTarget) {
    refuseCopy(NodeKind::kInvalid,
               "several nodes have a directory each in the target, so it is no "
               "exact one");
  }
  if (transfer.intoOwnDirectory) {
    target.path += "/" + transfer.source.node->description().name;
    std::error_code failed;
    fs::create_directories(target.path, failed);
    if (failed) refuseCopy(NodeKind::kSystem, target.path + ": " + failed.message());
  }
  bool isDirectory = kindOf(target, manner.until) == Kind::kDirectory;
  if (isDirectory && manner.hasExactTarget) {
    refuseCopy(NodeKind::kConflict, "the target " + endText(target) + " is a directory");
  }
  std::string name = lastNameOf(transfer.source.path);
  if (isDirectory && name.empty()) {
    // What is below a source such as "dir/." goes into the target itself.
    while (target.path.size() > 1 && target.path.ends_with("/")) target.path.pop_back();
  } else if (isDirectory) {
    target.path = joined(target.path, name);
  } else if (transfer.isOneOfSeveral || target.path.ends_with("/")) {
    refuseCopy(NodeKind::kConflict, "the target " + endText(target) + " is not a directory");
  } else if (target.node != nullptr && !manner.options.write.parents) {
    CopyEnd parent{target.node, target.path.substr(0, target.path.find_last_of('/') + 1)};
    if (kindOf(parent, manner.until) != Kind::kDirectory) {
      refuseCopy(NodeKind::kNotFound, "no such file or directory: " + endText(parent) +
                                          "; -p makes directories that are missing");
    }
  }
  return target;
}

// A walk would find the files that the copy makes, and so on, until a path is too long.
void refuseCopyIntoItself(const CopyTransfer& transfer) {
  if (transfer.source.node != transfer.target.node) return;
  // A path that ends with a slash has an empty last name.
  fs::path source = fs::path(transfer.source.path + "/").lexically_normal();
  fs::path target = fs::path(transfer.target.path + "/").lexically_normal();
  auto [end, place] = std::mismatch(source.begin(), std::prev(source.end()), target.begin(),
                                    std::prev(target.end()));
  if (end == std::prev(source.end())) {
    refuseCopy(NodeKind::kInvalid,
               "a directory cannot be copied into itself, " + transfer.target.path);
  }
}

void carryOut(CopyTransfer& transfer, const CopyManner& manner) {
  try {
    CopyOptions options = manner.options;
    options.what = whatOf(transfer, manner);
    if (manner.archive != nullptr) {
      const CopyEnd& source = transfer.source;
      transfer.result = manner.archive->add(*source.node, source.path, options, manner.until);
      return;
    }
    transfer.target = targetOf(transfer, manner);
    if (options.what == CopyOptions::What::kTree) refuseCopyIntoItself(transfer);
    transfer.result = copy(transfer.source, transfer.target, options, manner.until);
  } catch (const muster::NodeError& error) {
    transfer.failure = failureOf(error, error.node().empty() ? error.detail() : error.what());
  } catch (const std::exception& error) {
    transfer.failure.text = error.what();
  }
}

// Names the node that does the work; empty for this machine.
std::string workerOf(const CopyTransfer& transfer) {
  const ControllerNode* node =
      transfer.target.node != nullptr ? transfer.target.node : transfer.source.node;
  return node != nullptr ? node->description().name : "";
}

}  // namespace

CopyFailure failureOf(const muster::NodeError& error, std::string text) {
  bool isAbsence = error.kind() == NodeKind::kUnreachable || error.kind() == NodeKind::kRefused;
  return {std::move(text), toString(error.kind()), isAbsence};
}

void refuseCopy(NodeKind kind, const std::string& text) {
  throw muster::NodeError(kind, "", "", text);
}

std::string endText(const CopyEnd& end) {
  return (end.node == nullptr ? "" : end.node->description().name + ":") + end.path;
}

void carryOutAll(std::vector<CopyTransfer>& transfers, const CopyManner& manner) {
  std::map<std::string, std::vector<CopyTransfer*>> byNode;
  for (CopyTransfer& transfer : transfers) {
    if (transfer.failure.text.empty()) byNode[workerOf(transfer)].push_back(&transfer);
  }
  std::vector<std::vector<CopyTransfer*>> queues;
  for (auto& [node, queue] : byNode) queues.push_back(std::move(queue));
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t at = next++; at < queues.size(); at = next++) {
      for (CopyTransfer* transfer : queues[at]) carryOut(*transfer, manner);
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(queues.size(), kNodesAtOnce); ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace harness
