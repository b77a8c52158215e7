// Files of a node, for plain blocking code: the semantics of schema/file.capnp with whole contents
// instead of chunks. Whole files and trees are copied by copy.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <muster/file_stat.h>
#include <muster/tree_digest.h>
#include <muster/write_options.h>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

// The largest content that goes with one call. Larger ones are written as an upload, in chunks that
// a loss of the connection does not undo.
constexpr size_t kWriteAtOnceBytes = 256 << 10;

enum class Removal {
  // A file, a link or an empty directory.
  kEntry,

  // Also a directory with all below it.
  kTree,
};
enum class LinkType { kSymbolic, kHard };

// Calls end and throw as those of ControllerNode do. Contents are checked against their digest or
// check sum.
class Files {
 public:
  // Borrows `node`.
  explicit Files(ControllerNode& node) : node_(node) {}

  // Returns the state of a file. Absent: nothing is there.
  std::optional<muster::FileStat> stat(const std::string& path, muster::SymlinkPolicy links,
                                       SteadyTime until) const;
  std::vector<muster::FileEntry> list(const std::string& path, SteadyTime until) const;

  // Returns bytes from `offset`, fewer than `bytesMax` only at the end of the file.
  std::string read(const std::string& path, uint64_t offset, uint64_t bytesMax,
                   SteadyTime until) const;
  std::string digest(const std::string& path, SteadyTime until) const;
  std::string readLink(const std::string& path, SteadyTime until) const;
  std::map<std::string, std::string> attributes(const std::string& path, SteadyTime until) const;

  // Returns one attribute, also one that is not among attributes(). Absent: there is none.
  std::optional<std::string> attribute(const std::string& path, const std::string& name,
                                       SteadyTime until) const;

  // Returns the hexadecimal digest of a tree.
  std::string treeDigest(const std::string& root, const muster::TreeDigestOptions& options,
                         SteadyTime until) const;
  muster::FileSpace space(const std::string& path, SteadyTime until) const;
  void write(const std::string& path, const std::string& content,
             const muster::WriteOptions& options, SteadyTime until) const;
  void append(const std::string& path, const std::string& content, SteadyTime until) const;

  // Makes a directory and its parents. False: it existed.
  bool makeDirectory(const std::string& path, uint32_t mode, muster::UndoAt undo,
                     SteadyTime until) const;

  // Removes a file or a tree. False: there was nothing.
  bool remove(const std::string& path, Removal removal, SteadyTime until) const;
  void rename(const std::string& source, const std::string& target, muster::IfExists existing,
              SteadyTime until) const;
  void setMode(const std::string& path, uint32_t mode, SteadyTime until) const;
  void setOwner(const std::string& path, const std::string& user, const std::string& group,
                muster::SymlinkPolicy links, SteadyTime until) const;
  void link(const std::string& path, const std::string& target, LinkType type,
            muster::IfExists existing, SteadyTime until) const;
  void setAttribute(const std::string& path, const std::string& name, const std::string& value,
                    SteadyTime until) const;
  void removeAttribute(const std::string& path, const std::string& name, SteadyTime until) const;
  void setTimes(const std::string& path, int64_t accessedNs, int64_t modifiedNs,
                SteadyTime until) const;

 private:
  ControllerNode& node_;
};

}  // namespace harness::rpc
