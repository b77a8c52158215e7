// Describes a tree of files in pages; write_tree.h makes one from such a description.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/file/metadata.h"

namespace nodeagent::file {

// Bounds directories inside each other; each keeps a descriptor open.
constexpr size_t kTreeDepthMax = 256;

struct TreeEntry {
  // Relative to the root.
  kj::String path;
  FileStat stat;
  // The target of a symbolic link; empty for other types.
  kj::String target;
  kj::Array<kj::byte> content;
  bool contentInline = false;
  kj::Array<Attribute> attributes;

  // The rest is for writeTree; walk leaves it out.

  // The path of an earlier entry that this one is a hard link of; empty: of none.
  kj::String linkTo;
  // Says whether blocks of zeros become holes.
  bool sparse = false;
  // Says that a directory is complete, so that it gets all that the entry says of it. An empty path
  // is the root then.
  bool finished = false;
};

struct WalkResult {
  kj::Array<TreeEntry> entries;
  bool more = false;
};

struct WalkOptions {
  kj::StringPtr root;
  // A relative path, which need not exist any more; empty: from the beginning.
  kj::StringPtr after;
  // 0 means kEntriesMax.
  uint32_t entriesMax = 0;
  uint32_t inlineBytesMax = 0;
};

// Walks the tree. Directories come before their entries, and names in byte order. A page also ends
// where it would be longer than a message may be. Mount points below the root are listed and not
// entered; entries that disappear meanwhile are left out. Fails with kind invalid where the tree is
// deeper than kTreeDepthMax.
WalkResult walk(const WalkOptions& options);

}  // namespace nodeagent::file
