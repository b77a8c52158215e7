// Trees of files: `walk` describes one in pages, `writeTree` makes one from such a description.
//
// Blocking; for a worker thread. Failures are those of support::fail, with errno.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/file/metadata.h"

namespace nodeagent::file {

constexpr size_t kTreeDepthMax =
    256;  // Directories inside each other; each keeps a descriptor open.

struct TreeEntry {
  kj::String path;  // Relative to the root.
  FileStat stat;
  kj::String target;  // Of a symbolic link.
  kj::Array<kj::byte> content;
  bool contentInline = false;
  kj::Array<Attribute> attributes;
};

struct WalkResult {
  kj::Array<TreeEntry> entries;
  bool more = false;
};

struct WalkOptions {
  kj::StringPtr root;
  kj::StringPtr
      after;  // A relative path, which need not exist any more; empty: from the beginning.
  uint32_t entriesMax = 0;  // 0: kEntriesMax.
  uint32_t inlineBytesMax = 0;
};

// Directories come before what they hold, names in byte order. A page also ends where it would be
// longer than a message may be. Mount points below the root are listed and not entered; what
// disappears meanwhile is left out. Fails with kind invalid where the tree is deeper than
// kTreeDepthMax.
WalkResult walk(const WalkOptions& options);

}  // namespace nodeagent::file
