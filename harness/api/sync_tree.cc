#include <muster/deadline.h>
#include <muster/sync_tree.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/fan_out.h"
#include "harness/rpc/file/copy.h"

namespace muster {
namespace {

using harness::ApiAccess;
using harness::CopyEnd;

TransferResult synced(const CopyEnd& source, const CopyEnd& target, const SyncOptions& options,
                      const std::source_location& where) {
  using harness::CopyOptions;
  CopyOptions copy;
  copy.what = CopyOptions::What::kTree;
  copy.keep = CopyOptions::Keep::kAll;
  copy.root = CopyOptions::Root::kLikeSource;
  copy.existing = options.extras == Extras::kDelete ? CopyOptions::Existing::kMirrored
                                                    : CopyOptions::Existing::kCompared;
  copy.write.mode = options.mode;
  copy.write.user = options.user;
  copy.write.group = options.group;
  return harness::at(where,
                     [&] { return harness::copy(source, target, copy, DeadlineScope::current()); });
}

CopyEnd on(const Node& node, const std::string& path) {
  return {&ApiAccess::behind(node), path};
}

CopyEnd here(const std::filesystem::path& path) {
  return {nullptr, path.string()};
}

}  // namespace

TransferResult syncTree(const std::filesystem::path& local, const Node& node,
                        const std::string& remote, const SyncOptions& options,
                        std::source_location where) {
  return synced(here(local), on(node, remote), options, where);
}

NodeAnswers<TransferResult> syncTree(const std::filesystem::path& local, const NodeSet& nodes,
                                     const std::string& remote, const SyncOptions& options,
                                     std::source_location where) {
  return harness::askEach<TransferResult>(
      ApiAccess::nodesOf(nodes), ApiAccess::fanOutOf(nodes), where,
      [&](Node& node) { return syncTree(local, node, remote, options, where); });
}

TransferResult syncTree(const Node& node, const std::string& remote,
                        const std::filesystem::path& local, const SyncOptions& options,
                        std::source_location where) {
  return synced(on(node, remote), here(local), options, where);
}

TransferResult syncTree(const Node& source, const std::string& path, const Node& target,
                        const std::string& targetPath, const SyncOptions& options,
                        std::source_location where) {
  return synced(on(source, path), on(target, targetPath), options, where);
}

}  // namespace muster
