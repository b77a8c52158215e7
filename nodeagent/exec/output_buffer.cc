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

using Overflow = wire::JobSpec::Overflow;

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

OutputBuffer::OutputBuffer(Spool& spool, OutputPolicy policy, const JobLimits& limits)
    : spool_(spool),
      bytesMax_(policy.bytesMax),
      memoryBytesMax_(kj::min(policy.bytesMax, limits.memoryOfStreamBytesMax)),
      memoryFollowedBytesMax_(
          kj::max(memoryBytesMax_, kj::min(policy.bytesMax, limits.memoryOfFollowedBytesMax))),
      overflow_(policy.overflow),
      ringBytes_(policy.bytesMax) {}

OutputBuffer::~OutputBuffer() noexcept(false) {
  spool_.giveMemory(accountedBytes_);
}

uint64_t OutputBuffer::prepare(uint64_t wanted) {
  if (overflow_ != Overflow::BLOCK || full_ || !mayWait_) return wanted;
  // A single byte always finds memory, so the look for the end of a stream without output takes
  // none.
  if (wanted <= 1 && memory_.size() == 0 && file_ == nullptr) return wanted;
  leaveEmptyFile();
  uint64_t retained = to_ - from_;
  if (staysInMemory(retained + wanted)) return kj::min(wanted, memory_.size() - retained);
  reserve(kj::min(retained + wanted, bytesMax_));
  uint64_t fitting = kj::min(wanted, bytesMax_ - kj::min(retained, bytesMax_));
  KJ_IF_MAYBE (file, file_) return prepareFile(**file, fitting);
  return fitting;
}

// Returns whether bytes that would have to go to the file wait in memory instead, and grows the
// memory as far as it may.
bool OutputBuffer::staysInMemory(uint64_t retainedBytes) {
  bool mustSpill = kj::min(retainedBytes, bytesMax_) > memoryBytesMax_;
  if (!isFollowed_ || !mustSpill || file_ != nullptr) return false;
  // The retention may be lower than the memory, since the file could not be made.
  uint64_t most = kj::min(memoryFollowedBytesMax_, bytesMax_);
  uint64_t wanted = kj::min(std::bit_ceil(retainedBytes), most);
  uint64_t kept = memory_.size();
  while (wanted > kept && !spool_.sparesMemory(wanted - kept)) wanted /= 2;
  if (wanted > kept) growMemory(wanted);
  // A stream that did not even get the memory that every stream may have goes to its file.
  return memory_.size() >= memoryBytesMax_;
}

bool OutputBuffer::waitsInMemory() const {
  return isFollowed_ && file_ == nullptr && to_ - from_ < bytesMax_;
}

uint64_t OutputBuffer::aheadBytesMax() const {
  return overflow_ == Overflow::BLOCK ? kj::min(memoryFollowedBytesMax_, bytesMax_) : 0;
}

// Drops the file of a reader that has caught up and needs none any more.
void OutputBuffer::leaveEmptyFile() {
  if (!isFollowed_ || file_ == nullptr || to_ > from_) return;
  if (!spool_.sparesMemory(memoryBytesMax_)) return;
  file_ = nullptr;
}

// Returns how many of `wanted` bytes the file can take. A spool that is full is left once the
// reader has taken everything in it.
uint64_t OutputBuffer::prepareFile(SpoolFile& file, uint64_t wanted) {
  uint64_t position = to_ % ringBytes_;
  uint64_t toEnd = kj::min(wanted, ringBytes_ - position);
  if (file.reserveTo(position + toEnd)) return wanted;
  if (file.reservedTo() > position) return kj::min(toEnd, file.reservedTo() - position);
  if (to_ > from_) return 0;
  file_ = nullptr;
  useForcedMemory();
  return kj::min(wanted, bytesMax_);
}

void OutputBuffer::useForcedMemory() {
  memory_ = kj::heapArray<kj::byte>(kj::min(kMemoryForcedBytes, bytesMax_));
  bytesMax_ = memory_.size();
}

void OutputBuffer::append(kj::ArrayPtr<const kj::byte> bytes) {
  producedBytes_ += bytes.size();
  if (overflow_ == Overflow::KEEP_TAIL) {
    store(bytes);
    return;
  }
  if (!full_) {
    reserve(kj::min(to_ - from_ + bytes.size(), bytesMax_));
    uint64_t taken = kj::min<uint64_t>(bytes.size(), bytesMax_ - (to_ - from_));
    // The head is the stream's first bytes, even if a reader releases some of them at once.
    if (overflow_ != Overflow::BLOCK) taken = kj::min(taken, ringBytes_ - to_);
    if (!writeRing(to_, bytes.slice(0, taken))) taken = 0;
    to_ += taken;
    bytes = bytes.slice(taken, bytes.size());
  }
  droppedBytes_ += bytes.size();
  if (bytes.size() > 0) full_ = true;
}

// Stores under the policy keepTail: the newest bytes replace the oldest.
void OutputBuffer::store(kj::ArrayPtr<const kj::byte> bytes) {
  reserve(kj::min(to_ - from_ + bytes.size(), bytesMax_));
  if (bytes.size() > bytesMax_) {
    uint64_t skipped = bytes.size() - bytesMax_;
    dropOldest(to_ - from_);
    droppedBytes_ += skipped;
    to_ += skipped;
    from_ = to_;
    bytes = bytes.slice(skipped, bytes.size());
  }
  uint64_t retained = to_ - from_ + bytes.size();
  if (retained > bytesMax_) dropOldest(retained - bytesMax_);
  bool written = writeRing(to_, bytes);
  to_ += bytes.size();
  if (!written) dropOldest(to_ - from_);
}

void OutputBuffer::dropOldest(uint64_t count) {
  from_ += count;
  droppedBytes_ += count;
}

// Makes the ring large enough for `retainedBytes`. Returns false if it could not, after it has
// lowered the retention to the memory that there is.
bool OutputBuffer::reserve(uint64_t retainedBytes) {
  if (file_ != nullptr || retainedBytes <= memory_.size()) return true;
  uint64_t capacity =
      kj::min(std::bit_ceil(kj::max(retainedBytes, kMemoryFirstBytes)), memoryBytesMax_);
  if (retainedBytes <= memoryBytesMax_ && growMemory(capacity)) return true;
  if (spill()) return true;
  if (memory_.size() == 0) useForcedMemory();
  bytesMax_ = memory_.size();
  return false;
}

bool OutputBuffer::growMemory(uint64_t capacity) {
  if (!spool_.takeMemory(capacity - accountedBytes_)) return false;
  auto larger = kj::heapArray<kj::byte>(capacity);
  moveTo(larger);
  memory_ = kj::mv(larger);
  accountedBytes_ = capacity;
  return true;
}

void OutputBuffer::shrinkMemory() {
  auto smaller = kj::heapArray<kj::byte>(kj::max(to_ - from_, kMemoryFirstBytes));
  moveTo(smaller);
  memory_ = kj::mv(smaller);
  spool_.giveMemory(accountedBytes_ - memory_.size());
  accountedBytes_ = memory_.size();
}

// Moves the retained bytes from memory_ to another ring.
void OutputBuffer::moveTo(kj::ArrayPtr<kj::byte> ring) {
  for (uint64_t at = from_; at < to_;) {
    uint64_t source = at % memory_.size();
    uint64_t target = at % ring.size();
    uint64_t count = kj::min(to_ - at, kj::min(memory_.size() - source, ring.size() - target));
    memcpy(ring.begin() + target, memory_.begin() + source, count);
    at += count;
  }
}

bool OutputBuffer::spill() {
  // The retained bytes are copied before memory_ is given up, so that a disk that fails here loses
  // nothing.
  auto made = spool_.make();
  KJ_IF_MAYBE (file, made) {
    // Capacity is reserved even if nothing is retained yet, because the next bytes must fit.
    bool written = (*file)->reserveTo(1);
    if (to_ > from_) {
      auto bytes = kj::heapArray<kj::byte>(to_ - from_);
      read(from_, bytes);
      inRing(from_, bytes.size(), ringBytes_, [&](uint64_t position, uint64_t begin, uint64_t end) {
        written = written && (*file)->write(position, bytes.slice(begin, end));
      });
    }
    if (!written) return false;
    spool_.giveMemory(accountedBytes_);
    accountedBytes_ = 0;
    memory_ = nullptr;
    file_ = kj::mv(*file);
    return true;
  }
  return false;
}

// Writes to the ring. Returns false if the disk failed or filled up; bytes written before are still
// good.
bool OutputBuffer::writeRing(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes) {
  bool written = true;
  KJ_IF_MAYBE (file, file_) {
    inRing(offset, bytes.size(), ringBytes_, [&](uint64_t position, uint64_t begin, uint64_t end) {
      written = written && (*file)->write(position, bytes.slice(begin, end));
    });
    if (!written) {
      support::logLimited("spool", support::Level::kWarn,
                          "cannot write a spool file, output is dropped and counted");
    }
  } else {
    inRing(offset, bytes.size(), memory_.size(),
           [&](uint64_t position, uint64_t begin, uint64_t end) {
             memcpy(memory_.begin() + position, bytes.begin() + begin, end - begin);
           });
  }
  return written;
}

void OutputBuffer::read(uint64_t offset, kj::ArrayPtr<kj::byte> bytes) {
  if (bytes.size() == 0) return;
  KJ_REQUIRE(offset >= from_ && offset + bytes.size() <= to_);
  KJ_IF_MAYBE (file, file_) {
    inRing(offset, bytes.size(), ringBytes_, [&](uint64_t position, uint64_t begin, uint64_t end) {
      (*file)->read(position, bytes.slice(begin, end));
    });
    return;
  }
  inRing(offset, bytes.size(), memory_.size(),
         [&](uint64_t position, uint64_t begin, uint64_t end) {
           memcpy(bytes.begin() + begin, memory_.begin() + position, end - begin);
         });
}

void OutputBuffer::release(uint64_t offset) {
  from_ = kj::max(from_, kj::min(offset, to_));
}

void OutputBuffer::clear() {
  from_ = to_;
  file_ = nullptr;
  memory_ = nullptr;
  spool_.giveMemory(accountedBytes_);
  accountedBytes_ = 0;
}

void OutputBuffer::finish() {
  KJ_IF_MAYBE (file, file_) {
    (*file)->close();
    return;
  }
  if (memory_.size() > memoryBytesMax_ && to_ - from_ <= memoryBytesMax_) shrinkMemory();
}

}  // namespace nodeagent::exec
