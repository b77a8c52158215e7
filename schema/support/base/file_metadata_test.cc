// Tries that times of files are converted over their whole range, and set or refused.
#include "schema/support/base/file_metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace support {
namespace {

TEST(FileTimeTest, EveryNanosecondOf64BitsIsConvertedThereAndBack) {
  for (int64_t ns : {INT64_MIN, INT64_MIN + 1, int64_t{-1'500'000'000}, int64_t{-1'000'000'000},
                     int64_t{-500'000'000}, int64_t{-1}, int64_t{0}, int64_t{1},
                     int64_t{1'000'000'005}, INT64_MAX}) {
    timespec time = timespecOf(ns);
    EXPECT_GE(time.tv_nsec, 0) << ns;
    EXPECT_LT(time.tv_nsec, 1'000'000'000) << ns;
    EXPECT_EQ(nanosecondsOf(time), ns);
  }
  EXPECT_EQ(timespecOf(-500'000'000).tv_sec, -1);
}

TEST(FileTimeTest, TimeThatDoesNotFitIsAbsent) {
  timespec first = timespecOf(INT64_MIN);
  timespec last = timespecOf(INT64_MAX);
  EXPECT_FALSE(nanosecondsOf({first.tv_sec, first.tv_nsec - 1}));
  EXPECT_FALSE(nanosecondsOf({last.tv_sec, last.tv_nsec + 1}));
  EXPECT_FALSE(nanosecondsOf({last.tv_sec + 1, 0}));
  EXPECT_FALSE(nanosecondsOf({INT64_MAX, 0}));
  EXPECT_FALSE(nanosecondsOf({INT64_MIN, 0}));
}

// A file system says nothing when it cuts a time that its inodes cannot hold.
TEST(FileTimeTest, TimeIsSetOrRefused) {
  char path[] = "/tmp/muster-time-XXXXXX";
  int file = ::mkstemp(path);
  ASSERT_GE(file, 0);
  for (int64_t ns : {int64_t{0}, int64_t{-500'000'000}, INT64_MIN, INT64_MAX}) {
    int error = setModified(file, nullptr, ns);
    struct stat status {};
    ASSERT_EQ(::fstat(file, &status), 0);
    EXPECT_EQ(error, nanosecondsOf(status.st_mtim) == ns ? 0 : ERANGE) << ns;
  }
  EXPECT_EQ(setModified(-1, nullptr, 0), EBADF);
  ::close(file);
  ::unlink(path);
}

}  // namespace
}  // namespace support
