// Copies a file or a tree between this machine and nodes, or from node to node by way of this
// machine, a chunk at a time.
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

// Where a copy comes from or goes to.
struct CopyEnd {
  // Null: this machine.
  ControllerNode* node = nullptr;

  // On a node: absolute. A link that it names is followed at the source.
  std::string path;
};

struct CopyOptions {
  enum class What {
    kFile,  // A regular file.
    kTree,  // A directory and all below it; what the target has besides stays.
  };
  enum class Keep {
    kContent,  // Of a single file: mode and owner as `write` says.
    kAll,      // Its mode, modification time, attributes with ACLs, and, to or between nodes or as
               // root, its owner. Trees always keep them.
  };

  // Whether the bits setuid and setgid, and capabilities, of what comes from a node to this machine
  // are kept. Between nodes, and to nodes, they always are.
  enum class Privileges { kDrop, kKeep };

  What what = What::kFile;
  Privileges privileges = Privileges::kDrop;
  Keep keep = Keep::kContent;
  muster::WriteOptions write;

  // Told of each piece that has arrived; empty: nobody is.
  std::function<void(uint64_t bytes)> progress;
};

// Throws NodeError: those of the nodes; kSystem with errno where this machine refuses; kConflict if
// the source was changed meanwhile; kCorrupt if what arrived is not what was sent; kTimeout.
muster::TransferResult copy(const CopyEnd& source, const CopyEnd& target,
                            const CopyOptions& options, muster::SteadyTime until);

}  // namespace harness
