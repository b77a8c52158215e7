// Computes one digest of a whole tree, by which two trees can be compared without a copy.
//
// Two trees have the same digest if they have the same paths with the same types, targets of links
// and numbers of devices, and the same of what the options name. Times and holes do not count, nor
// does it whether two names are one file.
#pragma once

#include <stdint.h>

#include <kj/string.h>

#include "schema/support/base/sha256.h"

namespace nodeagent::file {

struct TreeDigestOptions {
  bool content = true;
  bool mode = true;
  // By number.
  bool owner = true;
  // With ACLs, which are attributes.
  bool attributes = true;
};

struct TreeDigestResult {
  support::Digest sha256 = {};
  // Without the root, which counts in the digest as the others do.
  uint64_t entries = 0;
  // The bytes that were read.
  uint64_t bytes = 0;
};

// Walks the tree in pages, so it needs the memory of one page and of the names of one directory.
// Blocks, so it belongs on a worker thread. Fails as walk() and digest() do, and with kind timeout
// after half an hour.
TreeDigestResult treeDigest(kj::StringPtr root, const TreeDigestOptions& options);

}  // namespace nodeagent::file
