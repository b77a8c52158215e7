#include "schema/support/base/file_metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

namespace support {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

// Every file system holds the times between these two, 1980 and 2038.
constexpr int64_t kHeldByAllFrom = 315'532'800;
constexpr int64_t kHeldByAllTo = INT32_MAX;

// The coarsest clock among file systems, which is that of FAT.
constexpr int64_t kGranularitySeconds = 2;

}  // namespace

std::optional<int64_t> nanosecondsOf(const timespec& time) {
  int64_t seconds = time.tv_sec;
  int64_t rest = time.tv_nsec;
  // The smallest times overflow on the way only, because tv_nsec counts upwards.
  if (seconds < 0) {
    ++seconds;
    rest -= kSecondNs;
  }
  int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, kSecondNs, &ns) || __builtin_add_overflow(ns, rest, &ns)) {
    return std::nullopt;
  }
  return ns;
}

timespec timespecOf(int64_t ns) {
  int64_t seconds = ns / kSecondNs;
  int64_t rest = ns % kSecondNs;
  if (rest < 0) {
    --seconds;
    rest += kSecondNs;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

int setModified(int file, const char* name, int64_t ns) {
  timespec wanted = timespecOf(ns);
  timespec times[] = {{0, UTIME_OMIT}, wanted};
  int result = name == nullptr ? ::futimens(file, times)
                               : ::utimensat(file, name, times, AT_SYMLINK_NOFOLLOW);
  if (result != 0) return errno;
  if (wanted.tv_sec >= kHeldByAllFrom && wanted.tv_sec < kHeldByAllTo) return 0;
  struct stat status;
  if (::fstatat(file, name == nullptr ? "" : name, &status, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) !=
      0) {
    return errno;
  }
  int64_t difference = int64_t{status.st_mtim.tv_sec} - int64_t{wanted.tv_sec};
  return std::abs(difference) > kGranularitySeconds ? ERANGE : 0;
}

bool isKeptAttribute(std::string_view name) {
  return name.starts_with("user.") || name.starts_with("system.posix_acl_") ||
         name == "security.capability";
}

}  // namespace support
