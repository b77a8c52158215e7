// The two sides of a copy as the algorithm sees them: see copy.h. Local ones are in copy_local.cc,
// those on nodes in copy_remote.cc.
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
  std::string path;  // Relative to the root; empty: the root itself.
  muster::FileType type = muster::FileType::kUnspecified;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string user;  // Where the source knows one.
  std::string group;
  int64_t modifiedNs = 0;
  uint64_t size = 0;
  bool sparse = false;      // It takes less space than its size.
  std::string target;       // Of a symbolic link.
  std::string content;      // If it is complete.
  bool hasContent = false;  // Of a regular file that is small.
  std::map<std::string, std::string> attributes;
};

// What a file is filled from.
struct FileFeed {
  // Bytes from `offset` on, at most `bytesMax`; none: its end.
  std::function<std::string(uint64_t offset, size_t bytesMax)> read;

  // Throws unless what was read, of that digest, is what the source has now. Called before the
  // target takes its name.
  std::function<void(const std::string& sha256)> check;
};

class CopySource {
 public:
  virtual ~CopySource() = default;

  // What is copied, followed if it is a link.
  virtual TreeItem root() = 0;

  // The next members of a directory, parents before children, without the root; none: the end.
  virtual std::vector<TreeItem> next() = 0;

  // Of a regular file among them, or of the root. Valid until the next call.
  virtual FileFeed open(const TreeItem& item) = 0;
};

class CopyTarget {
 public:
  virtual ~CopyTarget() = default;

  // The directory that a tree goes to. An existing one stays as it is.
  virtual void makeRoot(const TreeItem& root) = 0;

  // A directory, a link, or a file with its content. May be kept back until finish().
  virtual void add(TreeItem item) = 0;

  // Returns the hexadecimal SHA-256. `item.path` empty: the root is the file itself.
  virtual std::string addFile(const TreeItem& item, const FileFeed& feed) = 0;

  virtual void finish() = 0;
};

// Attributes that belong to a file and not to its machine's policy.
bool isKeptAttribute(const std::string& name);

std::unique_ptr<CopySource> localSource(const std::string& path, muster::SteadyTime until);
std::unique_ptr<CopyTarget> localTarget(const std::string& path, const CopyOptions& options);
std::unique_ptr<CopySource> remoteSource(ControllerNode& node, const std::string& path,
                                         muster::SteadyTime until);
std::unique_ptr<CopyTarget> remoteTarget(ControllerNode& node, const std::string& path,
                                         const CopyOptions& options, muster::SteadyTime until);

}  // namespace harness
