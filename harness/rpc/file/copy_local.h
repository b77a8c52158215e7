// What both local ends of a copy share: failures of this machine, and types of special files.
#pragma once

#include <sys/types.h>

#include <string>

#include <muster/file_stat.h>

#include "harness/os/fd.h"

namespace harness {

// The largest list of attributes, or value of one, that the kernel gives.
constexpr size_t kAttributeBytesMax = 64 << 10;

// Throws a NodeError of kind kSystem with errno, which names the path.
[[noreturn]] void failLocal(const std::string& path);

// Returns the owner of a descriptor that was just opened. A negative one is a failure with errno.
Fd opened(int number, const std::string& path);

// Returns the type of a special file as mknod(2) takes it; 0 for other types.
mode_t specialTypeOf(muster::FileType type);

}  // namespace harness
