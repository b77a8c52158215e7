// The two sides of a copy as its algorithm sees them (copy.h). Local ones are in copy_local.cc,
// those on nodes in copy_remote.cc; the algorithm itself is not here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/rpc/file/copy.h"

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
  int64_t modifiedNs = 0;
  uint64_t size = 0;

  // The file takes less space than its size.
  bool sparse = false;

  // The target of a symbolic link.
  std::string target;

  // The content of a small regular file, if `hasContent`.
  std::string content;
  bool hasContent = false;
  std::map<std::string, std::string> attributes;
};

// The source that a file is filled from.
struct FileFeed {
  // Returns bytes from `offset` on, at most `bytesMax`. None: the end of the file.
  std::function<std::string(uint64_t offset, size_t bytesMax)> read;

  // Throws unless the bytes that were read, which have this digest, are those that the source has
  // now. Called before the target takes its name.
  std::function<void(const std::string& sha256)> check;
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

  // Makes the directory that a tree goes to. An existing one stays as it is.
  virtual void makeRoot(const TreeItem& root) = 0;

  // Adds a directory, a link, or a file with its content. It may be kept back until finish().
  virtual void add(TreeItem item) = 0;

  // Writes a file and returns its SHA-256 in hexadecimal. `item.path` empty: the root is the file
  // itself.
  virtual std::string addFile(const TreeItem& item, const FileFeed& feed) = 0;

  virtual void finish() = 0;
};

// True for an attribute that belongs to a file and not to its machine's policy.
bool isKeptAttribute(const std::string& name);

std::unique_ptr<CopySource> localSource(const std::string& path, muster::SteadyTime until);
std::unique_ptr<CopyTarget> localTarget(const std::string& path, const CopyOptions& options);
std::unique_ptr<CopySource> remoteSource(ControllerNode& node, const std::string& path,
                                         muster::SteadyTime until);
std::unique_ptr<CopyTarget> remoteTarget(ControllerNode& node, const std::string& path,
                                         const CopyOptions& options, muster::SteadyTime until);

}  // namespace harness
