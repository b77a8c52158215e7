// Makes the files of a tree from their description; tree.h describes one.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno, and name the entry.
#pragma once

#include <kj/array.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "nodeagent/file/replace.h"
#include "nodeagent/file/restore.h"
#include "nodeagent/file/tree.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {

// An entry that this node may not make.
struct LeftOut {
  uint32_t entry = 0;
  support::Failure failure;
};

// Makes `entries`, in their order, below `root`, which is made too if options.parents asks for it.
// Finished directories get all that their entries say at the end, in their order. No link inside
// the tree is followed, so nothing can be written outside of it. Entries that were made before one
// that fails stay. Returns the special files that could not be made.
//
// options.user and .group, where given, override those of the entries; mode and keepMode mean
// nothing here.
kj::Vector<LeftOut> writeTree(kj::StringPtr root, kj::ArrayPtr<const TreeEntry> entries,
                              const WriteOptions& options);

// Returns the restores that bring the tree back to its present state, in the order in which they
// are to be applied. If it fails, it discards those that it prepared.
kj::Vector<Restore> prepareRestores(kj::StringPtr root, kj::ArrayPtr<const TreeEntry> entries,
                                    const WriteOptions& options);

}  // namespace nodeagent::file
