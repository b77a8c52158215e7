// Changes files and directories by one system call each, or nearly: append, make, remove, rename,
// mode, owner, link, times. Whole contents are replaced by replace.h.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno.
#pragma once

#include <kj/array.h>
#include <kj/function.h>
#include <kj/string.h>

#include "nodeagent/file/metadata.h"
#include "nodeagent/file/path.h"
#include "nodeagent/file/replace.h"

namespace nodeagent::file {

// Adds `bytes` to the end of a file that is `offset` bytes long, and returns the new size. A
// missing file is made with mode 0644. Where some of the bytes are there already, only the rest is
// added. Fails with kind corrupt where other bytes are there, or too few. A write that the disk
// could not hold is taken back.
uint64_t append(kj::StringPtr path, uint64_t offset, kj::ArrayPtr<const kj::byte> bytes);

struct MadeDirectory {
  bool created = false;
  // The parents that were made on the way. Once released, or while they are not empty, they stay.
  MadeDirectories parents;
  // Device and inode of the directory itself.
  uint64_t device = 0;
  uint64_t inode = 0;
};

// Makes a directory with exactly `mode`. An existing one is not touched. Fails with kind conflict
// where something else is there.
MadeDirectory makeDirectory(kj::StringPtr path, uint32_t mode, Parents parents);

// Says whether remove() takes a directory with everything below it.
enum class RemoveWhat { kOneName, kTree };

// Removes a file, an empty directory or, with kTree, a whole tree. Returns false if there was
// nothing. Fails with errno EXDEV at a mount point, having removed everything that came before it,
// and refuses "/".
bool remove(kj::StringPtr path, RemoveWhat what);

// Removes a name in an open directory, as remove() does; `path` is for messages.
bool removeAt(int directory, kj::StringPtr name, kj::StringPtr path, RemoveWhat what);

void rename(kj::StringPtr source, kj::StringPtr target, Replace replace);
void setMode(kj::StringPtr path, uint32_t mode);
void setOwner(kj::StringPtr path, kj::StringPtr user, kj::StringPtr group, SymlinkPolicy links);
void setTimes(kj::StringPtr path, int64_t accessedNs, int64_t modifiedNs);

enum class LinkType { kSymbolic, kHard };

// Makes `path` a link to `target`: any text for a symbolic link, the path of an existing file for a
// hard one.
void link(kj::StringPtr path, kj::StringPtr target, LinkType type, Replace replace,
          kj::Maybe<const TemporaryNotes&> notes = nullptr);

// Says what a new name may take the place of, besides regular files and links.
enum class Displaces { kNothingElse, kSpecialFiles };

// Makes a name in an open directory by `make`, which is given one and returns as a system call
// does. An existing file keeps its name until the new one can take it in one step. Returns the
// errno of `make`, or 0; other failures, and a conflict with what exists, are thrown.
int makeAt(const Place& place, Displaces displaces, Replace replace,
           kj::Maybe<const TemporaryNotes&> notes, kj::FunctionParam<int(kj::StringPtr)> make);

// Makes the link in an open directory.
void linkAt(const Place& place, kj::StringPtr target, LinkType type, Replace replace,
            kj::Maybe<const TemporaryNotes&> notes = nullptr);

}  // namespace nodeagent::file
