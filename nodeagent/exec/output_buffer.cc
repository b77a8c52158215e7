#include "nodeagent/exec/output_buffer.h"

#include <string.h>

#include <bit>

#include <kj/debug.h>

#include "schema/support/base/log.h"

namespace nodeagent::exec {
namespace {

constexpr uint64_t kMemoryFirstBytes = 1024;
// A stream gets this much even if memory and spool are exhausted.
constexpr uint64_t kMemoryForcedBytes = 64 * 1024;
// Bounds one write, and the memory of a stream with a file when the node has little left.
constexpr uint64_t kWriteBytesMax = 256 * 1024;

using Overflow = wire::JobSpec::Overflow;
using Written = SpoolFile::Written;

// Calls `part(position, begin, end)` for the one or two pieces of a range of `count` bytes at
// `offset` in a ring.
template <typename Part>
void inRing(uint64_t offset, uint64_t count, uint64_t ringBytes, Part&& part) {
  uint64_t position = offset % ringBytes;
  uint64_t first = kj::min(count, ringBytes - position);
  if (first > 0) part(position, uint64_t{0}, first);
  if (first < count) part(uint64_t{0}, first, count);
}

}  // namespace

OutputBuffer::OutputBuffer(Spool& spool, OutputPolicy policy, const JobLimits& limits,
                           kj::Function<void()> diskAnswered)
    : spool_(spool),
      diskAnswered_(kj::mv(diskAnswered)),
      bytesMax_(policy.bytesMax),
      memoryBytesMax_(kj::min(policy.bytesMax, limits.memoryOfStreamBytesMax)),
      memoryFollowedBytesMax_(
          kj::max(memoryBytesMax_, kj::min(policy.bytesMax, limits.memoryOfFollowedBytesMax))),
      overflow_(policy.overflow),
      ringBytes_(policy.bytesMax) {}

OutputBuffer::~OutputBuffer() noexcept(false) {
  spool_.giveMemory(accountedBytes_);
}

// A stream without room in memory waits for its reader or for the disk. Where neither helps, the
// policy decides: `block` holds the process, and the others drop in append().
uint64_t OutputBuffer::prepare(uint64_t wanted) {
  waitsForDisk_ = false;
  // A single byte always finds memory, so the look for the end of a stream without output takes
  // none.
  if (full_ || (wanted <= 1 && memory_.get() == nullptr)) return wanted;
  bool holds = overflow_ == Overflow::BLOCK && mayWait_ && !isBroken_;
  uint64_t retained = to_ - from_;
  uint64_t fitting = wanted;
  leaveEmptyFile();
  if (holds) fitting = kj::min(wanted, bytesMax_ - kj::min(retained, bytesMax_));
  if (fitting == 0) return 0;
  uint64_t room = makeRoom(fitting);
  if (overflow_ != Overflow::BLOCK && bytesMax_ <= memorySize()) return wanted;
  if (room > 0) return kj::min(fitting, room);
  if (!mayWait_) return wanted;
  if (waitsForReader()) return 0;
  waitsForDisk_ = beginWriting();
  return waitsForDisk_ || holds ? 0 : wanted;
}

// Bytes that would have to go to the file wait in memory instead while a reader keeps up. A stream
// that did not even get the memory that every stream may have goes to its file.
bool OutputBuffer::waitsForReader() const {
  return isFollowed_ && overflow_ == Overflow::BLOCK && file_ == nullptr &&
         memorySize() >= memoryBytesMax_;
}

bool OutputBuffer::waitsInMemory() const {
  return isFollowed_ && file_ == nullptr && to_ - from_ < bytesMax_;
}

uint64_t OutputBuffer::aheadBytesMax() const {
  return overflow_ == Overflow::BLOCK ? kj::min(memoryFollowedBytesMax_, bytesMax_) : 0;
}

void OutputBuffer::append(kj::ArrayPtr<const kj::byte> bytes) {
  producedBytes_ += bytes.size();
  if (overflow_ == Overflow::KEEP_TAIL) {
    store(bytes);
  } else if (full_) {
    droppedBytes_ += bytes.size();
  } else {
    uint64_t fitting = kj::min<uint64_t>(bytes.size(), bytesMax_ - kj::min(to_ - from_, bytesMax_));
    // The head is the stream's first bytes, even if a reader releases some of them at once.
    if (overflow_ != Overflow::BLOCK) fitting = kj::min(fitting, ringBytes_ - to_);
    uint64_t taken = kj::min(fitting, makeRoom(fitting));
    // The retention may have been lowered to the memory that there is.
    taken = kj::min(taken, bytesMax_ - kj::min(to_ - from_, bytesMax_));
    copyIn(bytes.slice(0, taken));
    droppedBytes_ += bytes.size() - taken;
    if (taken < bytes.size()) full_ = true;
  }
  goOnWriting();
}

// Stores under the policy keepTail: the newest bytes replace the oldest.
void OutputBuffer::store(kj::ArrayPtr<const kj::byte> bytes) {
  uint64_t room = makeRoom(kj::min<uint64_t>(bytes.size(), bytesMax_));
  uint64_t retained = to_ - from_ + bytes.size();
  if (retained > bytesMax_) dropOldest(kj::min(retained - bytesMax_, to_ - from_));
  room = memorySize() - inMemory();
  // Where the file cannot take more in time, the oldest bytes make room in memory.
  if (bytes.size() > room && !isWriting_) {
    dropOldest(kj::min(memoryFrom_ + bytes.size() - room, to_) - from_);
    room = memorySize() - inMemory();
  }
  if (bytes.size() <= room) return copyIn(bytes);
  // Bytes that are being written keep their place, and what cannot be stored leaves no hole.
  uint64_t skipped = bytes.size() - (isWriting_ ? 0 : room);
  dropOldest(to_ - from_);
  to_ += skipped;
  dropOldest(skipped);
  copyIn(bytes.slice(skipped, bytes.size()));
}

void OutputBuffer::dropOldest(uint64_t count) {
  droppedBytes_ += count;
  moveFrom(from_ + count);
}

void OutputBuffer::moveFrom(uint64_t offset) {
  from_ = offset;
  if (!isWriting_) memoryFrom_ = kj::max(memoryFrom_, from_);
}

// Returns the room in memory, after it has been grown for `count` more bytes as far as it may.
uint64_t OutputBuffer::makeRoom(uint64_t count) {
  uint64_t needed = inMemory() + count;
  if (needed > memorySize() && memorySize() < bytesMax_) growMemory(needed);
  return memorySize() - inMemory();
}

void OutputBuffer::growMemory(uint64_t needed) {
  uint64_t most = kj::min(memoryBytesMax_, bytesMax_);
  uint64_t capacity = kj::min(std::bit_ceil(kj::max(needed, kMemoryFirstBytes)), most);
  // A stream with a file can do with less where the node has little left.
  bool isEnough = file_ != nullptr && memorySize() >= kMemoryForcedBytes;
  if (isEnough && !spool_.sparesMemory(capacity - kj::min(capacity, accountedBytes_))) return;
  if (capacity > memorySize() && !takeMemory(capacity) && memory_.get() == nullptr) {
    memory_ = kj::atomicRefcounted<MemoryRing>(kj::min(kMemoryForcedBytes, bytesMax_));
  }
  if (needed <= memorySize() || !isFollowed_ || !waitsForReader()) return;
  // The retention may be lower than the memory, since the file could not be made.
  capacity = kj::min(std::bit_ceil(needed), kj::min(memoryFollowedBytesMax_, bytesMax_));
  uint64_t kept = memorySize();
  while (capacity > kept && !spool_.sparesMemory(capacity - kept)) capacity /= 2;
  if (capacity > kept) takeMemory(capacity);
}

bool OutputBuffer::takeMemory(uint64_t capacity) {
  if (!spool_.takeMemory(capacity - accountedBytes_)) return false;
  accountedBytes_ = capacity;
  resizeMemory(capacity);
  return true;
}

// Moves the bytes in memory to another ring. A task that writes some of them keeps the old one.
void OutputBuffer::resizeMemory(uint64_t capacity) {
  auto ring = kj::atomicRefcounted<MemoryRing>(capacity);
  for (uint64_t at = to_ - inMemory(); at < to_;) {
    uint64_t source = at % memorySize();
    uint64_t target = at % capacity;
    uint64_t count = kj::min(to_ - at, kj::min(memorySize() - source, capacity - target));
    memcpy(ring->bytes.begin() + target, memory_->bytes.begin() + source, count);
    at += count;
  }
  memory_ = kj::mv(ring);
  if (accountedBytes_ > capacity) {
    spool_.giveMemory(accountedBytes_ - capacity);
    accountedBytes_ = capacity;
  }
}

void OutputBuffer::copyIn(kj::ArrayPtr<const kj::byte> bytes) {
  if (bytes.size() == 0) return;
  inRing(to_, bytes.size(), memorySize(), [&](uint64_t position, uint64_t begin, uint64_t end) {
    memcpy(memory_->bytes.begin() + position, bytes.begin() + begin, end - begin);
  });
  to_ += bytes.size();
}

// Drops the file of a reader that has caught up and needs none any more.
void OutputBuffer::leaveEmptyFile() {
  if (!isFollowed_ || file_ == nullptr || isWriting_ || from_ < memoryFrom_) return;
  if (overflow_ == Overflow::BLOCK) leaveFile();
}

// Nothing that is retained may be in the file.
void OutputBuffer::leaveFile() {
  file_ = nullptr;
  isSpoolFull_ = false;
}

bool OutputBuffer::beginWriting() {
  if (isWriting_) return true;
  if (isBroken_ || isSpoolFull_ || inMemory() == 0) return false;
  if (file_ == nullptr) file_ = spool_.newFile();
  KJ_IF_MAYBE (file, file_) {
    writing_ = writeSome(**file).eagerlyEvaluate([](kj::Exception&& exception) {
      support::log(support::Level::kError, "a stream's way to its file failed",
                   {{"exception", exception.getDescription()}});
    });
    return true;
  }
  bytesMax_ = kj::min(bytesMax_, memorySize());
  return false;
}

void OutputBuffer::goOnWriting() {
  if (file_ != nullptr && !isWriting_ && shouldWrite()) beginWriting();
}

// A stream with a file writes before its memory is full, so that it seldom waits, and gives memory
// back where the node has little left. A stream that has ended leaves nothing in memory.
bool OutputBuffer::shouldWrite() const {
  if (isBroken_ || isSpoolFull_ || inMemory() == 0) return false;
  if (isFinished_) return true;
  return inMemory() > kj::min(memorySize(), memoryBesideFile()) / 2;
}

kj::Promise<void> OutputBuffer::writeSome(SpoolFile& file) {
  isWriting_ = true;
  SpoolFile::Range range{memoryFrom_, memoryFrom_ + kj::min(inMemory(), kWriteBytesMax),
                         ringBytes_};
  writeBegunTo_ = range.end;
  auto growth = isFinished_ ? SpoolFile::Growth::kOver : SpoolFile::Growth::kGoesOn;
  return file.write(range, kj::atomicAddRef(*memory_), growth)
      .then([](Written outcome) { return outcome; },
            [](kj::Exception&& exception) {
              support::log(support::Level::kError, "a write of a spool file failed",
                           {{"exception", exception.getDescription()}});
              return Written::kFailed;
            })
      .then([this](Written outcome) -> kj::Promise<void> {
        written(outcome);
        shrinkMemory();
        KJ_IF_MAYBE (same, file_) {
          if (shouldWrite()) {
            auto more = writeSome(**same);
            diskAnswered_();
            return more;
          }
        }
        settle();
        diskAnswered_();
        return kj::READY_NOW;
      });
}

void OutputBuffer::written(Written outcome) {
  isWriting_ = false;
  switch (outcome) {
    case Written::kAll:
      memoryFrom_ = writeBegunTo_;
      break;
    case Written::kNoFile:
      leaveFile();
      bytesMax_ = kj::min(bytesMax_, memorySize());
      break;
    case Written::kNoCapacity:
      noCapacity();
      break;
    case Written::kFailed:
      support::logLimited("spool", support::Level::kWarn,
                          "cannot write a spool file, output is dropped and counted");
      isBroken_ = overflow_ != Overflow::KEEP_TAIL;
      break;
  }
  // The newest bytes are wanted, so what could not be written in time gives way.
  bool givesWay = overflow_ == Overflow::KEEP_TAIL && outcome != Written::kAll && file_ != nullptr;
  if (givesWay && from_ < writeBegunTo_) dropOldest(writeBegunTo_ - from_);
  moveFrom(from_);
}

// A file with something in it is kept until its reader has released all of that. Otherwise memory
// is all there is.
void OutputBuffer::noCapacity() {
  if (from_ >= memoryFrom_) {
    leaveFile();
    bytesMax_ = kj::min(bytesMax_, memorySize());
  } else {
    isSpoolFull_ = overflow_ != Overflow::KEEP_TAIL;
  }
}

// Returns how much memory a stream with a file needs, which is less where the node has little left.
uint64_t OutputBuffer::memoryBesideFile() const {
  return spool_.sparesMemory(0) ? memoryBytesMax_ : kj::min(memoryBytesMax_, kWriteBytesMax);
}

void OutputBuffer::shrinkMemory() {
  uint64_t needed = memoryBesideFile();
  if (file_ != nullptr && accountedBytes_ > needed && inMemory() <= needed) resizeMemory(needed);
}

// Gives back what a stream that has ended needs no more when its writes are done.
void OutputBuffer::settle() {
  if (!isFinished_) return;
  KJ_IF_MAYBE (file, file_) (*file)->close();
  if (file_ != nullptr && inMemory() == 0) {
    spool_.giveMemory(accountedBytes_);
    accountedBytes_ = 0;
    memory_ = nullptr;
  }
}

bool OutputBuffer::read(uint64_t offset, kj::ArrayPtr<kj::byte> bytes) const {
  if (bytes.size() == 0) return true;
  KJ_REQUIRE(offset >= from_ && offset + bytes.size() <= to_);
  if (offset < memoryFrom_) return false;
  inRing(offset, bytes.size(), memorySize(), [&](uint64_t position, uint64_t begin, uint64_t end) {
    memcpy(bytes.begin() + begin, memory_->bytes.begin() + position, end - begin);
  });
  return true;
}

// Bytes in memory are copied at once, because they may be released before the others are read.
kj::Promise<kj::Array<kj::byte>> OutputBuffer::fetch(uint64_t offset, uint64_t size) {
  uint64_t inFile = kj::min(size, memoryFrom_ - offset);
  auto rest = kj::heapArray<kj::byte>(size - inFile);
  read(offset + inFile, rest);
  return KJ_ASSERT_NONNULL(file_)
      ->read({offset, offset + inFile, ringBytes_})
      .then([rest = kj::mv(rest)](kj::Array<kj::byte>&& first) {
        if (rest.size() == 0) return kj::mv(first);
        auto all = kj::heapArrayBuilder<kj::byte>(first.size() + rest.size());
        all.addAll(first);
        all.addAll(rest);
        return all.finish();
      });
}

void OutputBuffer::release(uint64_t offset) {
  uint64_t to = kj::min(offset, to_);
  if (to <= from_) return;
  isSpoolFull_ = false;
  moveFrom(to);
}

void OutputBuffer::clear() {
  writing_ = nullptr;
  isWriting_ = false;
  moveFrom(to_);
  file_ = nullptr;
  memory_ = nullptr;
  spool_.giveMemory(accountedBytes_);
  accountedBytes_ = 0;
}

void OutputBuffer::finish() {
  isFinished_ = true;
  goOnWriting();
  if (isWriting_) return;
  settle();
  uint64_t kept = kj::max(inMemory(), kMemoryFirstBytes);
  if (memorySize() > memoryBytesMax_ && kept <= memoryBytesMax_) resizeMemory(kept);
}

}  // namespace nodeagent::exec
