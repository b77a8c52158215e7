// Says what a copy of a file keeps beside its content, where both sides must agree: how a time is
// written, and which extended attributes go along. It also sets times, since file systems round
// them without a word.
#pragma once

#include <stdint.h>
#include <time.h>

#include <optional>
#include <string_view>

namespace support {

// Returns the nanoseconds since 1970, negative before. Absent: 64 bits cannot hold them, before
// 1677 or after 2262.
std::optional<int64_t> nanosecondsOf(const timespec& time);

timespec timespecOf(int64_t ns);

// Sets the modification time of `name` in the open directory `file`, not following a link; of the
// open file itself if `name` is null. The access time stays. Returns an errno, or 0: ERANGE where
// the file system cannot hold the time and has set another one.
int setModified(int file, const char* name, int64_t ns);

// Tells an attribute of a file from one of its machine's policy, such as a label.
bool isKeptAttribute(std::string_view name);

}  // namespace support
