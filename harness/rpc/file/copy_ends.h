// The two sides of a copy as its algorithm sees them; the algorithm itself is in copy.cc. Local
// ones are in copy_from_local.cc and copy_to_local.cc, those on nodes in copy_remote.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/rpc/file/copy.h"
#include "harness/rpc/file/transfer_digest.h"

namespace harness {

// A member of a tree, or a file by itself.
struct TreeItem {
  // Relative to the root. Empty: the root itself.
  std::string path;
  muster::FileType type = muster::FileType::kUnspecified;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;

  // Empty where the source knows no name.
  std::string user;
  std::string group;

  // Absent: 64 bits of nanoseconds cannot hold it.
  std::optional<int64_t> modifiedNs = 0;
  uint64_t size = 0;
  uint64_t allocatedBytes = 0;

  // Tell a file with several names at the source.
  uint64_t links = 1;
  uint64_t device = 0;
  uint64_t inode = 0;

  // The device that a character or block file stands for.
  uint64_t specialDevice = 0;

  // The path of an earlier member that this one is a hard link of. Empty: of none.
  std::string linkTo;

  // The target of a symbolic link.
  std::string target;

  // The content of a small regular file, if `hasContent`.
  std::string content;
  bool hasContent = false;
  std::map<std::string, std::string> attributes;

  // Tells that a regular file takes less space than its size, so that it may have holes.
  bool sparse() const { return allocatedBytes < size; }
};

// Returns the time that a target is to give an item. Throws NodeError kInvalid if it is absent.
int64_t timeOf(const TreeItem& item);

// A part of a file. Those of one file ascend, and what is between them is a hole.
struct FilePiece {
  uint64_t offset = 0;

  // None: the end of the file, which is `offset` bytes long.
  std::string bytes;
};

// The source that a file is filled from.
struct FileFeed {
  // The digest that `check` compares. Absent: it compares none.
  std::optional<DigestKind> kind;

  // Returns the next piece, of at most `bytesMax` bytes.
  std::function<FilePiece(size_t bytesMax)> next;

  // Throws unless the bytes that were read, which have this digest, are those that the source has
  // now. Called before the target takes its name.
  std::function<void(const TransferDigest& digest)> check;
};

// Returns the feed of bytes in memory, which it borrows.
FileFeed feedOf(const std::string& bytes);

// Reads a feed to its end and returns the whole content. Throws NodeError kInvalid if that is more
// than `bytesMax`.
std::string readWhole(const FileFeed& feed, size_t bytesMax);

// A special file that a target may not make.
struct LeftOutItem {
  std::string path;
  std::string reason;
};

class CopySource {
 public:
  virtual ~CopySource() = default;

  // Returns the item to be copied, followed if it is a link.
  virtual TreeItem root() = 0;

  // Returns the next members of a directory, parents before children, without the root. None: the
  // end.
  virtual std::vector<TreeItem> next() = 0;

  // Returns the feed of a regular file among the members, or of the root. It is valid until the
  // next call.
  virtual FileFeed open(const TreeItem& item) = 0;
};

class CopyTarget {
 public:
  virtual ~CopyTarget() = default;

  // Makes the directory that a tree goes to.
  virtual void makeRoot(const TreeItem& root) = 0;

  // Adds a directory, a link, a special file, a further name of a file, or a file with its content.
  // It may be kept back until finish().
  virtual void add(TreeItem item) = 0;

  // Writes a file and returns its SHA-256 in hexadecimal, which is empty for a large file with
  // holes. `item.path` empty: the root is the file itself.
  virtual std::string addFile(const TreeItem& item, const FileFeed& feed) = 0;

  // Writes what was kept back, and gives directories their modes, times and attributes from the
  // innermost outwards: work below a directory changes its time and may need its permission.
  // Returns the special files that could not be made.
  virtual std::vector<LeftOutItem> finish() = 0;

  // Removes a member with all below it, which is there.
  virtual void remove(const std::string& path) = 0;
};

// Tells whether the content of a small file that was met is wanted with it. It can still be opened.
using Wants = std::function<bool(const TreeItem& item)>;
inline bool wantsAll(const TreeItem&) {
  return true;
}
inline bool wantsNone(const TreeItem&) {
  return false;
}

// Says which contents a source on a node brings with its members.
enum class Contents { kNone, kSmall };

std::unique_ptr<CopySource> localSource(const std::string& path, muster::SteadyTime until,
                                        Wants wants = wantsAll);
std::unique_ptr<CopyTarget> localTarget(const std::string& path, const CopyOptions& options);
std::unique_ptr<CopySource> remoteSource(ControllerNode& node, const std::string& path,
                                         muster::SteadyTime until,
                                         Contents contents = Contents::kSmall);
std::unique_ptr<CopyTarget> remoteTarget(ControllerNode& node, const std::string& path,
                                         const CopyOptions& options, muster::SteadyTime until);

// Copies into a target of this machine that the caller has made, as copy() does. `path` names it in
// failures.
muster::TransferResult copyInto(std::unique_ptr<CopyTarget> target, const CopyEnd& source,
                                const std::string& path, const CopyOptions& options,
                                muster::SteadyTime until);

}  // namespace harness
