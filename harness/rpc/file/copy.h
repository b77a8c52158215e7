// Copies a file or a tree between this machine and nodes, or from node to node by way of this
// machine, a chunk at a time.
//
// Holes are neither read nor sent. Hard links within a tree stay hard links. Pipes, sockets and
// devices are made where the target may, and named in the result where not. Directories that exist
// stay as they are with UndoAt::kSessionEnd.
//
// Each chunk has a check sum and each file a digest that both sides compare; a file takes its name
// at the target in one step, with its mode, times and attributes, or not at all. After a loss of
// the connection a transfer goes on where it was. The caller's thread does the work.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <muster/deadline.h>
#include <muster/file_stat.h>
#include <muster/transfer_result.h>
#include <muster/write_options.h>

namespace harness {

class ControllerNode;

// The place that a copy comes from or goes to.
struct CopyEnd {
  // Null: this machine.
  ControllerNode* node = nullptr;

  // Absolute on a node. A link that it names is followed at the source.
  std::string path;
};

struct CopyOptions {
  enum class What {
    // A regular file.
    kFile,

    // A directory and all below it. Other files that the target has stay.
    kTree,
  };
  enum class Keep {
    // Only the content is copied, for single files only. The mode and the owner come from `write`.
    kContent,

    // The mode, modification time, and attributes with ACLs are kept, and the owner as well to or
    // between nodes or as root. Trees always keep them, in directories that exist too.
    kAll,
  };

  // Whether a file that comes from a node to this machine keeps the bits setuid and setgid, and its
  // capabilities, and whether devices are made. Files that go to nodes always keep them.
  enum class Privileges { kDrop, kKeep };

  // Whether the directory that a tree goes to becomes like that of the source if it exists. It does
  // if it is a copy of that directory, and does not if it only takes what is below.
  enum class Root { kAsItIs, kLikeSource };

  // What happens to the members of a tree that the target has. kCompared writes only those that
  // differ (target_tree.h), and kMirrored removes besides what the source does not have. Without
  // kMirrored, a file in the place of a directory and the other way round are NodeError kConflict.
  enum class Existing { kReplaced, kCompared, kMirrored };

  What what = What::kFile;
  Privileges privileges = Privileges::kDrop;
  Root root = Root::kAsItIs;
  Existing existing = Existing::kReplaced;
  Keep keep = Keep::kContent;
  muster::WriteOptions write;

  // Called with the size of each piece that has arrived. Empty: nobody is told.
  std::function<void(uint64_t bytes)> progress;
};

// Throws the NodeErrors of the nodes and kTimeout, kSystem with errno where this machine refuses,
// kConflict if the source was changed meanwhile, kCorrupt if other bytes arrived than were sent,
// kInvalid for a time outside of 64 bits of nanoseconds, and kUnsupported for an agent that is too
// old.
muster::TransferResult copy(const CopyEnd& source, const CopyEnd& target,
                            const CopyOptions& options, muster::SteadyTime until);

// The last name of a path: "b" of "/a/b/", and nothing of "/", "." and "..".
std::string lastNameOf(const std::string& path);

}  // namespace harness
