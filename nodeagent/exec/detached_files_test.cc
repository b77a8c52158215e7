// Tries that the record of a detached job is read whole or not at all, and that one process begins
// the job.
#include "nodeagent/exec/detached_files.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "schema/job.capnp.h"

namespace nodeagent::exec {
namespace {

class DetachedFilesTest : public testing::Test {
 protected:
  DetachedFilesTest() {
    char pattern[] = "/tmp/muster-detached-XXXXXX";
    parent_ = kj::str(mkdtemp(pattern));
  }
  ~DetachedFilesTest() override {
    for (auto& files : DetachedFiles::all(parent_)) files.remove();
    EXPECT_EQ(rmdir(parent_.cStr()), 0) << "something is left in " << parent_.cStr();
  }

  DetachedFiles make() {
    auto files = DetachedFiles::choose(parent_);
    files.make();
    return files;
  }

  static void write(const DetachedFiles& files, uint64_t number) {
    capnp::MallocMessageBuilder message;
    message.initRoot<wire::DetachedRecord>().setNumber(number);
    files.write("record", message);
  }

  static uint64_t numberIn(const DetachedFiles& files) {
    auto message = files.read("record");
    KJ_IF_MAYBE (stored, message) return (*stored)->getRoot<wire::DetachedRecord>().getNumber();
    return 0;
  }

  kj::String parent_;
};

TEST_F(DetachedFilesTest, RecordIsReadAsWrittenAndAsReplaced) {
  auto files = make();
  EXPECT_TRUE(files.read("record") == nullptr);
  write(files, 7);
  EXPECT_EQ(numberIn(files), 7u);
  write(files, 8);
  EXPECT_EQ(numberIn(files), 8u);
}

TEST_F(DetachedFilesTest, DamagedRecordIsNotRead) {
  auto files = make();
  write(files, 7);
  auto path = kj::str(files.path(), "/record");
  struct stat status {};
  ASSERT_EQ(stat(path.cStr(), &status), 0);
  for (off_t at = 0; at < status.st_size; ++at) {
    write(files, 7);
    std::fstream file(path.cStr(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(at);
    file.put(byte);
    file.close();
    EXPECT_TRUE(files.read("record") == nullptr) << "byte " << at;
  }
  ASSERT_EQ(truncate(path.cStr(), status.st_size - 1), 0);
  EXPECT_TRUE(files.read("record") == nullptr);
}

TEST_F(DetachedFilesTest, AJobIsClaimedOnce) {
  auto files = make();
  EXPECT_FALSE(files.isClaimed());
  EXPECT_TRUE(files.claim());
  EXPECT_FALSE(files.claim());
  EXPECT_TRUE(files.isClaimed());
}

TEST_F(DetachedFilesTest, LockIsHeldOnceAtATime) {
  auto files = make();
  auto held = files.lock();
  ASSERT_TRUE(held != nullptr);
  EXPECT_TRUE(files.lock() == nullptr);
  held = nullptr;
  EXPECT_TRUE(files.lock() != nullptr);
}

}  // namespace
}  // namespace nodeagent::exec
