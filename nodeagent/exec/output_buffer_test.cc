// Tries where retained output waits: in memory while its reader keeps up, otherwise in a file,
// which may be slow, full or broken.
#include "nodeagent/exec/output_buffer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <string>

#include <gtest/gtest.h>
#include <kj/async-unix.h>
#include <kj/debug.h>

namespace nodeagent::exec {
namespace {

constexpr uint64_t kMemory = 4096;

// The state of the disk of a test, which its files share.
struct DiskState {
  std::atomic<bool> isFull = false;
  std::atomic<bool> fails = false;
  std::atomic<int> files = 0;
};

class TestFile final : public ScratchFile {
 public:
  explicit TestFile(DiskState& disk) : disk_(disk) {}
  bool make() override {
    if (disk_.isFull) return false;
    ++disk_.files;
    isMade_ = true;
    return true;
  }
  bool hasCapacity(uint64_t) override { return !disk_.isFull; }
  bool write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes) override {
    if (disk_.fails) return false;
    content_.resize(std::max<size_t>(content_.size(), position + bytes.size()));
    std::copy(bytes.begin(), bytes.end(), content_.begin() + static_cast<long>(position));
    return true;
  }
  void read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) override {
    KJ_REQUIRE(position + bytes.size() <= content_.size());
    std::copy_n(content_.begin() + static_cast<long>(position), bytes.size(), bytes.begin());
  }
  void close() override {}
  void remove() override {
    if (isMade_) --disk_.files;
  }

 private:
  DiskState& disk_;
  bool isMade_ = false;
  std::string content_;
};

class TestDisk final : public ScratchDisk {
 public:
  explicit TestDisk(DiskState& state) : state_(state) {}
  kj::Own<ScratchFile> newFile() override { return kj::heap<TestFile>(state_); }

 private:
  DiskState& state_;
};

class OutputBufferTest : public testing::Test {
 protected:
  OutputBufferTest() {
    limits_.memoryOfStreamBytesMax = kMemory;
    limits_.memoryOfFollowedBytesMax = 4 * kMemory;
    open();
  }
  ~OutputBufferTest() noexcept override {
    release();
    buffer_ = nullptr;
    EXPECT_TRUE(worker_.awaitAll(10 * kj::SECONDS));
    spool_ = nullptr;
    EXPECT_EQ(disk_.files, 0);
  }

  void open(OutputPolicy policy = OutputPolicy()) {
    buffer_ = nullptr;
    spool_ = kj::heap<Spool>(kj::Own<ScratchDisk>(kj::heap<TestDisk>(disk_)), limits_, worker_);
    buffer_ = kj::heap<OutputBuffer>(*spool_, policy, limits_, [this]() { ++answers_; });
    all_.clear();
  }
  static OutputPolicy retaining(uint64_t bytesMax, wire::JobSpec::Overflow overflow) {
    return {bytesMax, overflow};
  }

  // Keeps the disk's one thread busy until release().
  void hang() {
    released_ = std::promise<void>();
    worker_.start([until = released_.get_future().share()]() { until.wait(); });
    hangs_ = true;
  }
  void release() {
    if (hangs_) released_.set_value();
    hangs_ = false;
  }
  void awaitDisk() {
    do {
      ASSERT_TRUE(worker_.awaitAll(10 * kj::SECONDS));
      waitScope_.poll();
    } while (!worker_.awaitAll(0 * kj::SECONDS));
  }

  // Appends as many of `wanted` bytes as prepare() allows at once, and returns their number.
  uint64_t offer(uint64_t wanted) {
    uint64_t taken = buffer_->prepare(wanted);
    append(taken);
    return taken;
  }
  void append(uint64_t count) {
    std::string bytes;
    for (uint64_t i = 0; i < count; ++i) bytes.push_back(at(all_.size() + i));
    buffer_->append(kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()));
    all_ += bytes;
  }
  // Appends `count` bytes and waits for the disk where it must.
  void fill(uint64_t count) {
    while (count > 0) {
      uint64_t taken = offer(count);
      ASSERT_TRUE(taken > 0 || buffer_->waitsForDisk());
      if (taken == 0) awaitDisk();
      count -= taken;
    }
    awaitDisk();
  }

  static char at(uint64_t offset) { return static_cast<char>(offset * 31 / 7); }

  std::string retained() { return read(buffer_->retainedFrom(), buffer_->retainedTo()); }
  std::string read(uint64_t from, uint64_t to) {
    auto bytes = kj::heapArray<kj::byte>(to - from);
    if (!buffer_->read(from, bytes)) bytes = buffer_->fetch(from, to - from).wait(waitScope_);
    return std::string(bytes.asChars().begin(), bytes.size());
  }

  kj::UnixEventPort port_;
  kj::EventLoop loop_{port_};
  kj::WaitScope waitScope_{loop_};
  JobLimits limits_;
  DiskState disk_;
  // One thread that no other replaces, so that a task which hangs stands for a disk which does.
  Worker worker_{1, 3600 * kj::SECONDS};
  std::promise<void> released_;
  bool hangs_ = false;
  int answers_ = 0;
  kj::Own<Spool> spool_;
  kj::Own<OutputBuffer> buffer_;
  std::string all_;
};

using Overflow = wire::JobSpec::Overflow;

TEST_F(OutputBufferTest, OutputThatAReaderTakesSoonWaitsInMemory) {
  buffer_->setFollowed(true);
  EXPECT_EQ(offer(kMemory), kMemory);
  EXPECT_EQ(offer(4 * kMemory), 3 * kMemory);
  EXPECT_EQ(offer(1), 0u);
  EXPECT_TRUE(buffer_->waitsInMemory());
  EXPECT_FALSE(buffer_->waitsForDisk());
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
  fill(kMemory);
  EXPECT_EQ(spool_->fileCount(), 1u);
  EXPECT_EQ(retained(), all_);
  buffer_->finish();
  awaitDisk();
  EXPECT_EQ(spool_->memoryBytes(), 0u);
  EXPECT_EQ(retained(), all_);
}

TEST_F(OutputBufferTest, TheFileGoesWhenItsReaderHasCaughtUp) {
  fill(2 * kMemory);
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
  open();
  buffer_->setFollowed(true);
  EXPECT_EQ(offer(2 * kMemory), 2 * kMemory);
  buffer_->setFollowed(false);
  EXPECT_EQ(offer(kMemory), 0u);
  awaitDisk();
  EXPECT_EQ(offer(kMemory), 0u);
  EXPECT_FALSE(buffer_->waitsForDisk()) << "the retention is full";
  buffer_->setFollowed(true);
  EXPECT_EQ(offer(kMemory), 0u);
  buffer_->release(kMemory);
  EXPECT_EQ(offer(2 * kMemory), kMemory);
  EXPECT_EQ(buffer_->droppedBytes(), 0u);
  EXPECT_EQ(retained(), all_.substr(kMemory));
}

TEST_F(OutputBufferTest, HalfOfTheMemoryIsLeftToOthers) {
  limits_.memoryBytesMax = 4 * kMemory;
  open();
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

TEST_F(OutputBufferTest, EveryPolicyWaitsForADiskThatHangsAndGoesOn) {
  for (auto overflow :
       {Overflow::BLOCK, Overflow::KEEP_HEAD, Overflow::KEEP_TAIL, Overflow::KILL}) {
    open(retaining(16 * kMemory, overflow));
    hang();
    EXPECT_EQ(offer(2 * kMemory), kMemory);
    EXPECT_EQ(offer(kMemory), 0u);
    EXPECT_TRUE(buffer_->waitsForDisk());
    EXPECT_FALSE(buffer_->waitsInMemory());
    EXPECT_EQ(retained(), all_) << "memory is read without the disk";
    int before = answers_;
    release();
    awaitDisk();
    EXPECT_GT(answers_, before);
    fill(8 * kMemory);
    EXPECT_EQ(buffer_->droppedBytes(), 0u);
    EXPECT_EQ(retained(), all_);
  }
}

TEST_F(OutputBufferTest, MemoryCountsWhatTheDiskHasNotTakenYet) {
  hang();
  offer(kMemory);
  EXPECT_EQ(offer(kMemory), 0u);
  EXPECT_EQ(spool_->memoryBytes(), kMemory);
}

// Nobody waits for the output of a session that ends, so a disk that hangs holds nobody either.
TEST_F(OutputBufferTest, WithoutAReaderBytesBeyondTheMemoryAreCountedWhileTheDiskHangs) {
  hang();
  offer(kMemory);
  EXPECT_EQ(offer(kMemory), 0u);
  buffer_->neverWait();
  EXPECT_EQ(buffer_->prepare(kMemory), kMemory);
  append(kMemory);
  EXPECT_EQ(buffer_->droppedBytes(), kMemory);
  release();
  awaitDisk();
  EXPECT_EQ(retained(), all_.substr(0, kMemory));
}

TEST_F(OutputBufferTest, FailedWriteLosesNothingThatWasTakenAndCountsTheRest) {
  for (auto overflow : {Overflow::BLOCK, Overflow::KEEP_HEAD, Overflow::KILL}) {
    disk_.fails = false;
    open(retaining(16 * kMemory, overflow));
    fill(4 * kMemory);
    disk_.fails = true;
    while (buffer_->droppedBytes() == 0) {
      if (offer(kMemory) == 0) awaitDisk();
    }
    append(100);
    EXPECT_EQ(buffer_->producedBytes(), all_.size());
    EXPECT_EQ(buffer_->droppedBytes() + buffer_->retainedTo(), all_.size());
    EXPECT_GE(buffer_->retainedTo(), 4 * kMemory);
    EXPECT_EQ(retained(), all_.substr(0, buffer_->retainedTo()));
  }
}

TEST_F(OutputBufferTest, FailedWriteLeavesTheNewestOfATail) {
  open(retaining(16 * kMemory, Overflow::KEEP_TAIL));
  fill(4 * kMemory);
  disk_.fails = true;
  fill(4 * kMemory);
  EXPECT_GT(buffer_->droppedBytes(), 0u);
  EXPECT_EQ(buffer_->droppedBytes(), buffer_->retainedFrom());
  EXPECT_EQ(buffer_->retainedTo(), all_.size());
  disk_.fails = false;
  fill(4 * kMemory);
  EXPECT_EQ(retained(), all_.substr(buffer_->retainedFrom()));
}

TEST_F(OutputBufferTest, TailAndHeadAreExactOverTheWrapOfTheFile) {
  open(retaining(8 * kMemory + 5, Overflow::KEEP_TAIL));
  fill(30 * kMemory);
  EXPECT_EQ(retained(), all_.substr(all_.size() - (8 * kMemory + 5)));
  EXPECT_EQ(buffer_->droppedBytes(), all_.size() - (8 * kMemory + 5));
  open(retaining(8 * kMemory + 5, Overflow::KEEP_HEAD));
  fill(30 * kMemory);
  EXPECT_EQ(retained(), all_.substr(0, 8 * kMemory + 5));
  EXPECT_EQ(buffer_->droppedBytes(), all_.size() - (8 * kMemory + 5));
}

// A full disk holds the process until its reader has released what is in the file.
TEST_F(OutputBufferTest, AFullDiskHoldsTheProcessAndLosesNothing) {
  open(retaining(64 << 20, Overflow::BLOCK));
  fill(16 << 20);
  disk_.isFull = true;
  while (offer(kMemory) > 0 || buffer_->waitsForDisk()) awaitDisk();
  EXPECT_EQ(offer(kMemory), 0u);
  EXPECT_EQ(buffer_->droppedBytes(), 0u);
  EXPECT_EQ(retained(), all_);
  buffer_->release(all_.size());
  EXPECT_GT(offer(kMemory), 0u);
  EXPECT_EQ(buffer_->droppedBytes(), 0u);
}

TEST_F(OutputBufferTest, ReaderLearnsThatItsBytesWereReplacedWhileItWaited) {
  open(retaining(8 * kMemory, Overflow::KEEP_TAIL));
  fill(8 * kMemory);
  uint64_t from = buffer_->retainedFrom();
  auto early = buffer_->fetch(from, kMemory);
  EXPECT_TRUE(buffer_->isIntact(from));
  fill(8 * kMemory);
  early.wait(waitScope_);
  EXPECT_FALSE(buffer_->isIntact(from));
  EXPECT_TRUE(buffer_->isIntact(buffer_->retainedFrom()));
}

}  // namespace
}  // namespace nodeagent::exec
