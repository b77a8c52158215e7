// Writes content into a file that is there, as the shell's ">" does, for files that no rename
// reaches: bind mounts, /proc/sys, /sys. replace.h does it in one step, where that is possible.
//
// The file keeps its inode, owner, mode, ACL and attributes; a link is followed. Another reader may
// see it empty or in part, and a failure may leave it so, which the text says then.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno.
#pragma once

#include <kj/string.h>

#include "nodeagent/file/replace.h"

namespace nodeagent::file {

// Fails with kind invalid if the options ask for anything that a write in place cannot do: an
// owner, a mode, attributes, a time, a new file or parents, or that the session takes it back.
void requireFitInPlace(const WriteOptions& options);

// Writes all `bytes` with one system call where the file takes them so, because each write to a
// file of /proc/sys or /sys is a value of its own. Fails with kind notFound if there is no file.
FileStat writeInPlace(kj::StringPtr path, kj::ArrayPtr<const kj::byte> bytes,
                      const WriteOptions& options);

// Writes in place or by replace.h, as the options say.
FileStat writeContent(kj::StringPtr path, kj::ArrayPtr<const kj::byte> bytes,
                      const WriteOptions& options);

// Writes what the open file `source` holds, which has `size` bytes.
FileStat copyInPlace(kj::StringPtr path, int source, uint64_t size, const WriteOptions& options);

}  // namespace nodeagent::file
