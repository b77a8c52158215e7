// Makes a directory at one place like one at another, and sends only what differs.
//
//   syncTree("conf", node, "/etc/kvd");
//   syncTree("conf", servers(), "/etc/kvd", {.extras = Extras::kDelete}).checked();
//   TransferResult again = syncTree("conf", node, "/etc/kvd");
//   EXPECT_EQ(again.files, 0u);
//
// It needs no rsync on the node. What is copied, is copied as Node::pushTree does: whole files,
// with modes, owners, times, attributes and links. It does not send parts of files, and does not
// undo itself when the test ends.
//
// Things to get right:
//   * Files of the same size, modification time, mode, owner, attributes and links count as equal.
//     Their bytes are not compared: Node::pushTree writes all of them.
//   * A file of one second or coarser times at the target differs each time, and is sent again.
//   * Nothing is deleted unless asked for, and never outside of the target.
#pragma once

#include <filesystem>
#include <source_location>
#include <string>

#include <muster/node.h>
#include <muster/node_answers.h>
#include <muster/node_set.h>
#include <muster/transfer_result.h>

namespace muster {

// Says what becomes of what the target has and the source does not.
enum class Extras {
  kKeep,

  // They are removed, with all below them, and so is a file where the source has a directory, and
  // the other way round. Other file systems that are mounted below the target stay, and are
  // NodeError kSystem.
  kDelete,
};

struct SyncOptions {
  Extras extras = Extras::kKeep;

  // Permission bits of all files. Absent means those of the source.
  std::optional<uint32_t> mode = {};

  // Names or decimal ids for everything at the target. Empty means those of the source.
  std::string user = {};
  std::string group = {};
};

// Make `remote`, a directory whose parent exists, like the local one, on a node or on all nodes of
// a set at once. The result counts what was sent (files, bytes), what was there as it is, and what
// was deleted. They block until DeadlineScope::current() and throw what Node::pushTree does, and
// NodeError kConflict for a file in the place of a directory unless extras are deleted.
TransferResult syncTree(const std::filesystem::path& local, const Node& node,
                        const std::string& remote, const SyncOptions& options = {},
                        std::source_location where = std::source_location::current());
[[nodiscard]] NodeAnswers<TransferResult> syncTree(
    const std::filesystem::path& local, const NodeSet& nodes, const std::string& remote,
    const SyncOptions& options = {}, std::source_location where = std::source_location::current());

// Makes a local directory like that of a node, in the same way. Owners are kept only if we are
// root; setuid, setgid and capabilities are dropped, and devices left out, as with Node::pullTree.
TransferResult syncTree(const Node& node, const std::string& remote,
                        const std::filesystem::path& local, const SyncOptions& options = {},
                        std::source_location where = std::source_location::current());

// Makes a directory of one node like that of another, by way of this program.
TransferResult syncTree(const Node& source, const std::string& path, const Node& target,
                        const std::string& targetPath, const SyncOptions& options = {},
                        std::source_location where = std::source_location::current());

}  // namespace muster
