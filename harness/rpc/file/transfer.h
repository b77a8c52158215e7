// The calls that reads, writes and copies of whole files are made of, which are parts, digests,
// pages of a tree and uploads. Several may be under way at a time. The work is done on the caller's
// thread; only single calls go to the io thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <muster/write_options.h>

#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/node_calls.h"

namespace harness {

struct FilePart {
  std::string bytes;

  // The size of the file. 0: the file tells none, or is empty.
  uint64_t size = 0;

  // Compares equal as long as the file was not changed.
  std::string version;
};

struct TreePage {
  std::vector<TreeItem> items;
  bool more = false;
};

// Options of an upload, some of which a test cannot ask for.
struct UploadOptions {
  muster::WriteOptions write;

  // The owner's numbers, for a node that does not know write.user and .group. Empty: there are
  // none.
  std::string uid;
  std::string gid;
  std::map<std::string, std::string> attributes;

  // 0: the time of the writing.
  int64_t modifiedNs = 0;

  // Blocks of zeros become holes.
  bool sparse = false;
};

FilePart readPart(ControllerNode& node, const std::string& path, uint64_t offset, uint64_t bytesMax,
                  SteadyTime until);
Answer<FilePart> beginRead(ControllerNode& node, const std::string& path, uint64_t offset,
                           uint64_t bytesMax, SteadyTime until);

// Begins to ask for a file's SHA-256. The answer is hexadecimal.
Answer<std::string> beginDigest(ControllerNode& node, const std::string& path, SteadyTime until);
TreePage walkPage(ControllerNode& node, const std::string& root, const std::string& after,
                  SteadyTime until);
Answer<bool> beginWriteTree(ControllerNode& node, const std::string& root,
                            std::vector<TreeItem> items, const muster::WriteOptions& options,
                            SteadyTime until);

// Writes a file of `size` bytes that `feed` gives. Returns the hexadecimal digest.
std::string upload(ControllerNode& node, const std::string& path, uint64_t size,
                   const FileFeed& feed, const UploadOptions& options, SteadyTime until);

}  // namespace harness
