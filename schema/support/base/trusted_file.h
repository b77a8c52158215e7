// Reads and writes small files whose content decides who may do what: configuration, certificates,
// keys.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>

namespace support {

// A file cannot be written, or its place is not safe; the text names it.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Whether files must be safe from other users of the machine.
enum class FileCheck {
  kStrict,  // Regular and not a symbolic link, owned by root or by us, without the forbidden
            // permission bits, in a safe directory.
  kNone     // Regular.
};

// Permission bits that others must not have.
enum class FileSecrecy {
  kPublic,  // Others may read it, not write it.
  kSecret   // Others may do neither.
};

// At most 1 MiB. Throws a failure of kind invalid that names the file, as `what` and its path, what
// is wrong with it and what would be right; of kind notFound if it does not exist.
std::string readTrustedFile(const std::string& path, const char* what, FileCheck check,
                            FileSecrecy secrecy);

// Why somebody besides root and us could replace files in this directory, which exists: the first
// of it and those above that belongs to another user, or that others may write (but for sticky
// ones, such as /tmp). Empty if nobody can.
std::string whyUnsafe(const std::string& directory);

enum class Overwrite { kNever, kYes };

// Writes `text` to `path` as a whole or not at all: a reader sees the old file or the new one. The
// directory must exist and be safe. Throws FileError; with Overwrite::kNever also if there is one.
void writeTrustedFile(const std::string& path, const std::string& text, mode_t mode,
                      Overwrite overwrite);

}  // namespace support
