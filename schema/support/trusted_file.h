// Reads a small file whose content decides who may do what: configuration, certificates, keys.
#pragma once

#include <string>

namespace support {

// Whether files must be safe from other users of the machine.
enum class FileCheck {
  kStrict,  // Regular, owned by root or by us, and without the forbidden permission bits.
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

}  // namespace support
