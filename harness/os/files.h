// These functions read and change files of this machine; their errors name the attempt. They know
// nothing of nodes.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// Returns the whole content. Throws SystemError if it cannot be read.
std::string readFile(const std::string& path);
// Returns the whole content; empty if it cannot be read.
std::string readIfPresent(const std::string& path);

// Writes to an existing file such as one of /proc or /sys.
void writeControl(const std::string& path, std::string_view value);

// Makes a file with this content, or replaces whatever has its name, but for a directory: a
// symbolic link is not followed. Whoever reads it finds the old content or the new one as a whole,
// and the old one is left if this throws.
void putFile(const std::string& path, std::string_view content, mode_t mode);

// Replaces a regular file by what `change` makes of its content, if that is something else. Does
// nothing if there is no such file: a link, a pipe and a device are left alone.
void rewriteFile(const std::string& path,
                 const std::function<std::string(std::string_view content)>& change);

// Makes the directory and its parents (0755); the last one gets `mode`. Existing ones stay as they
// are.
void makeDirectories(const std::string& path, mode_t mode = 0755);

// Removes `path` and all below it, following nothing. Throws, and removes nothing, if something is
// mounted in it.
void removeTree(const std::string& path);

// Returns the end of a file, `bytesMax` bytes of it at most, as one line for error texts: newlines
// become "|", and what is not printable is escaped (schema/support/base/text.h). Empty if there is
// nothing, or no regular file.
std::string tailOf(const std::string& path, size_t bytesMax);

// Returns the names of the entries, without . and .., sorted. Empty if the directory cannot be
// read.
std::vector<std::string> namesIn(const std::string& directory);

// Returns a random UUID in text, such as that of /etc/machine-id or a boot id.
std::string randomUuid();

}  // namespace harness
