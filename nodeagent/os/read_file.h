// Reads the small files of /proc and of cgroups, whose size is not known beforehand.
#pragma once

#include <stddef.h>

#include <kj/string.h>

namespace nodeagent {

// Return the content from its beginning, cut at `bytesMax`; empty if it cannot be read. The
// position of `fd` is not used.
kj::String readAll(int fd, size_t bytesMax = 4 << 20);
kj::String readFile(kj::StringPtr path, size_t bytesMax = 4 << 20);

}  // namespace nodeagent
