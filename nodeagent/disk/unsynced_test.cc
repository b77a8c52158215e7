#include "nodeagent/disk/unsynced.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

namespace nodeagent::disk {
namespace {

class UnsyncedTest : public testing::Test {
 protected:
  UnsyncedTest() {
    std::string path = testing::TempDir() + "unsynced-XXXXXX";
    file_ = ::mkostemp(path.data(), O_CLOEXEC);
    ::unlink(path.c_str());
  }
  ~UnsyncedTest() override { ::close(file_); }

  void write(uint64_t offset, const std::string& text) {
    ASSERT_EQ(unsynced_.keep(file_, offset, text.size()), 0);
    ASSERT_EQ(::pwrite(file_, text.data(), text.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(text.size()));
  }

  void resize(uint64_t size) {
    ASSERT_EQ(unsynced_.keep(file_, size, UINT64_MAX), 0);
    ASSERT_EQ(::ftruncate(file_, static_cast<off_t>(size)), 0);
  }

  std::string content() const {
    std::string all(4096, '\0');
    ssize_t count = ::pread(file_, all.data(), all.size(), 0);
    return all.substr(0, count < 0 ? 0 : static_cast<size_t>(count));
  }

  int file_ = -1;
  UnsyncedTotals totals_;
  Unsynced unsynced_{totals_, 1024};
};

TEST_F(UnsyncedTest, SyncedContentStaysAndTheRestIsGone) {
  write(0, "first");
  unsynced_.forget();
  write(5, " second");
  write(0, "FIRST");
  EXPECT_EQ(content(), "FIRST second");
  EXPECT_EQ(unsynced_.writtenBytes(), 12u);
  EXPECT_EQ(totals_.written, 12u);
  EXPECT_EQ(unsynced_.takeBack(file_), 0);
  EXPECT_EQ(content(), "first");
  EXPECT_TRUE(unsynced_.isEmpty());
  EXPECT_EQ(totals_.kept, 0u);
  EXPECT_EQ(totals_.written, 0u);
}

TEST_F(UnsyncedTest, ResizingIsTakenBackToo) {
  write(0, "0123456789");
  unsynced_.forget();
  resize(4);
  write(8, "x");
  resize(2);
  resize(20);
  EXPECT_EQ(unsynced_.takeBack(file_), 0);
  EXPECT_EQ(content(), "0123456789");
}

TEST_F(UnsyncedTest, WhatDoesNotFitCountsAsSynced) {
  write(0, std::string(900, 'a'));
  write(0, std::string(900, 'b'));
  // Only what comes after the change that did not fit is taken back.
  write(0, "c");
  EXPECT_EQ(unsynced_.takeBack(file_), 0);
  EXPECT_EQ(content(), std::string(900, 'b'));
  EXPECT_EQ(totals_.kept, 0u);
  EXPECT_EQ(totals_.written, 0u);
}

TEST_F(UnsyncedTest, FileThatCannotBeReadIsAnError) {
  int closed = ::dup(file_);
  ::close(closed);
  EXPECT_NE(unsynced_.keep(closed, 0, 1), 0);
}

}  // namespace
}  // namespace nodeagent::disk
