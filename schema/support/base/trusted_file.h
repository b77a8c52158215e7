// Reads and writes small files whose content decides what somebody may do: configuration,
// certificates, keys. It does not look into the content.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>

namespace support {

// Thrown when a file cannot be written or its directory is not safe; the text names it.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Says whether files must be safe from other users of the machine.
enum class FileCheck {
  kStrict,  // Regular and not a symbolic link, owned by root or by us, without the forbidden
            // permission bits, in a safe directory.
  kNone     // Regular.
};

// Says which permission bits others must not have.
enum class FileSecrecy {
  kPublic,  // Others may read it, not write it.
  kSecret   // Others may do neither.
};

// Returns the file's content, at most 1 MiB. Throws a failure of kind invalid that names the file
// (as `what` and its path), the fault and the remedy; of kind notFound if it does not exist.
std::string readTrustedFile(const std::string& path, const char* what, FileCheck check,
                            FileSecrecy secrecy);

// Returns why a user other than root and us could replace files in this existing directory, or an
// empty text if nobody can. The text names the first directory, among it and those above, that
// belongs to another user or that others may write; sticky ones such as /tmp do not count.
std::string whyUnsafe(const std::string& directory);

enum class Overwrite { kNever, kYes };

// Writes `text` to `path` as a whole or not at all: a reader sees the old file or the new one. The
// directory must exist and be safe. Throws FileError, also for an existing file with
// Overwrite::kNever.
void writeTrustedFile(const std::string& path, const std::string& text, mode_t mode,
                      Overwrite overwrite);

}  // namespace support
