// Tries where retained output waits: in memory while its reader keeps up, otherwise in a file.
#include "nodeagent/exec/output_buffer.h"

#include <stdlib.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace nodeagent::exec {
namespace {

constexpr uint64_t kMemory = 4096;

class OutputBufferTest : public testing::Test {
 protected:
  OutputBufferTest() {
    limits_.memoryOfStreamBytesMax = kMemory;
    limits_.memoryOfFollowedBytesMax = 4 * kMemory;
    char path[] = "/tmp/muster-buffer-XXXXXX";
    directory_ = mkdtemp(path);
    makeSpool();
  }
  ~OutputBufferTest() noexcept override {
    buffer_ = nullptr;
    spool_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  void makeSpool() {
    buffer_ = nullptr;
    spool_ = kj::heap<Spool>(ScratchDisk::inDirectory(kj::str(directory_.c_str())), limits_);
    buffer_ = kj::heap<OutputBuffer>(*spool_, OutputPolicy(), limits_);
  }

  // Appends as many of `wanted` bytes as prepare() allows, and returns their number.
  uint64_t offer(uint64_t wanted) {
    uint64_t taken = buffer_->prepare(wanted);
    std::string bytes;
    for (uint64_t i = 0; i < taken; ++i) bytes.push_back(at(all_.size() + i));
    buffer_->append(kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()));
    all_ += bytes;
    return taken;
  }

  static char at(uint64_t offset) { return static_cast<char>(offset * 31 / 7); }

  std::string retained() {
    auto bytes = kj::heapArray<kj::byte>(buffer_->retainedTo() - buffer_->retainedFrom());
    buffer_->read(buffer_->retainedFrom(), bytes);
    return std::string(bytes.asChars().begin(), bytes.size());
  }

  JobLimits limits_;
  std::string directory_;
  kj::Own<Spool> spool_;
  kj::Own<OutputBuffer> buffer_;
  std::string all_;
};

TEST_F(OutputBufferTest, OutputThatAReaderTakesSoonWaitsInMemory) {
  buffer_->setFollowed(true);
  EXPECT_EQ(offer(kMemory), kMemory);
  EXPECT_EQ(offer(4 * kMemory), 3 * kMemory);
  EXPECT_EQ(offer(1), 0u);
  EXPECT_TRUE(buffer_->waitsInMemory());
  EXPECT_EQ(spool_->fileCount(), 0u);
  buffer_->release(kMemory);
  EXPECT_EQ(offer(2 * kMemory), kMemory);
  EXPECT_EQ(retained(), all_.substr(kMemory));
}

TEST_F(OutputBufferTest, OutputWithoutAReaderGoesToTheFileWithoutAHole) {
  buffer_->setFollowed(true);
  offer(kMemory);
  offer(4 * kMemory);
  buffer_->setFollowed(false);
  EXPECT_EQ(offer(kMemory), kMemory);
  EXPECT_EQ(spool_->fileCount(), 1u);
  EXPECT_EQ(spool_->memoryBytes(), 0u);
  EXPECT_EQ(retained(), all_);
}

TEST_F(OutputBufferTest, TheFileGoesWhenItsReaderHasCaughtUp) {
  offer(2 * kMemory);
  ASSERT_EQ(spool_->fileCount(), 1u);
  buffer_->release(all_.size());
  buffer_->setFollowed(true);
  EXPECT_EQ(offer(100), 100u);
  EXPECT_EQ(spool_->fileCount(), 0u);
  EXPECT_EQ(retained(), all_.substr(2 * kMemory));
}

// Without a file the stream keeps the memory that it has, also when its reader keeps up again.
TEST_F(OutputBufferTest, NothingIsLostWhereNoFileCanBeMade) {
  limits_.spoolBytesMax = 0;
  makeSpool();
  buffer_->setFollowed(true);
  EXPECT_EQ(offer(2 * kMemory), 2 * kMemory);
  buffer_->setFollowed(false);
  EXPECT_EQ(offer(kMemory), 0u);
  buffer_->setFollowed(true);
  EXPECT_EQ(offer(kMemory), 0u);
  buffer_->release(kMemory);
  EXPECT_EQ(offer(2 * kMemory), kMemory);
  EXPECT_EQ(buffer_->droppedBytes(), 0u);
  EXPECT_EQ(retained(), all_.substr(kMemory));
}

TEST_F(OutputBufferTest, HalfOfTheMemoryIsLeftToOthers) {
  limits_.memoryBytesMax = 4 * kMemory;
  makeSpool();
  buffer_->setFollowed(true);
  offer(kMemory);
  EXPECT_EQ(offer(4 * kMemory), kMemory);
  EXPECT_EQ(spool_->memoryBytes(), 2 * kMemory);
  EXPECT_EQ(spool_->fileCount(), 0u);
}

TEST_F(OutputBufferTest, AnEndedStreamFreesTheMemoryThatItNoLongerNeeds) {
  buffer_->setFollowed(true);
  offer(kMemory);
  offer(3 * kMemory);
  buffer_->release(all_.size() - 1000);
  buffer_->finish();
  EXPECT_LE(spool_->memoryBytes(), 1024u);
  EXPECT_EQ(retained(), all_.substr(all_.size() - 1000));
}

}  // namespace
}  // namespace nodeagent::exec
