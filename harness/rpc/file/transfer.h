// The calls that reads, writes and copies of whole files are made of, which are parts, digests,
// pages of a tree and uploads. Several may be under way at a time. The work is done on the caller's
// thread; only single calls go to the io thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

  // The file has no other attributes, not even an ACL that its directory hands down.
  bool exactAttributes = false;

  // Absent: the time of the writing.
  std::optional<int64_t> modifiedNs;

  // Blocks of zeros become holes.
  bool sparse = false;
};

// A part of a file that is data, or its end if `size` is 0.
struct Extent {
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct ExtentPage {
  std::vector<Extent> extents;
  bool more = false;
  uint64_t size = 0;

  // As FilePart::version.
  std::string version;
};

// The minor version of the protocol with holes, hard links, special files, exact attributes and
// finished directories.
constexpr uint16_t kFaithfulMinor = 2;

// Returns the minor version that the agent speaks.
uint16_t protocolMinorOf(ControllerNode& node, SteadyTime until);

// Throws NodeError kUnsupported if the agent is older than kFaithfulMinor.
void requireFaithful(ControllerNode& node, const std::string& feature, SteadyTime until);

FilePart readPart(ControllerNode& node, const std::string& path, uint64_t offset, uint64_t bytesMax,
                  SteadyTime until);
Answer<FilePart> beginRead(ControllerNode& node, const std::string& path, uint64_t offset,
                           uint64_t bytesMax, SteadyTime until);

// Begins to ask for a file's digest. The answer is hexadecimal.
Answer<std::string> beginDigest(ControllerNode& node, const std::string& path, DigestKind kind,
                                SteadyTime until);

// Asks where a file has data at or behind `offset`.
ExtentPage extentsPage(ControllerNode& node, const std::string& path, uint64_t offset,
                       SteadyTime until);
TreePage walkPage(ControllerNode& node, const std::string& root, const std::string& after,
                  Contents contents, SteadyTime until);

// Says what the directories among the items of a call are.
enum class Directories {
  // Made where they are missing, to take what comes below them.
  kBegun,

  // Complete: they get their modes, times and attributes.
  kFinished,
};

// Begins to write items of a tree. The answer names those that the node may not make.
Answer<std::vector<LeftOutItem>> beginWriteTree(ControllerNode& node, const std::string& root,
                                                std::vector<TreeItem> items,
                                                Directories directories,
                                                const muster::WriteOptions& options,
                                                SteadyTime until);

// Writes a file of `size` bytes that `feed` gives. Returns the hexadecimal SHA-256 of its content,
// or nothing as TransferDigest::content does.
std::string upload(ControllerNode& node, const std::string& path, uint64_t size,
                   const FileFeed& feed, const UploadOptions& options, SteadyTime until);

}  // namespace harness
