// Keeps the output of one stream of a job by offset, in memory first and then in a spool file, with
// the overflow policy's exact counts. It does not read the stream (output_stream.h does).
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/memory.h>

#include "nodeagent/exec/spool.h"
#include "schema/job.capnp.h"

namespace nodeagent::exec {

// The stream's policy: see JobSpec.StreamPolicy.
struct OutputPolicy {
  uint64_t bytesMax = kRetainedBytesDefault;
  wire::JobSpec::Overflow overflow = wire::JobSpec::Overflow::BLOCK;
};

class OutputBuffer {
 public:
  // `spool` outlives it.
  OutputBuffer(Spool& spool, OutputPolicy policy, const JobLimits& limits);
  ~OutputBuffer() noexcept(false);
  KJ_DISALLOW_COPY(OutputBuffer);

  // Returns how many of `wanted` bytes may be appended now: fewer only under the policy `block`, 0
  // when the retention is full.
  uint64_t prepare(uint64_t wanted);

  // Says whether a reader keeps up. Under `block`, bytes that it has not released then wait in
  // memory, also more than for other streams, and prepare refuses bytes beyond that, because the
  // way through the file would cost more than the wait.
  void setFollowed(bool isFollowed) { isFollowed_ = isFollowed; }

  // Returns whether prepare refused bytes only because a reader keeps up.
  bool waitsInMemory() const;

  // Returns how far beyond the bytes produced so far a reader may ask. 0 means not at all, since
  // those bytes may be dropped.
  uint64_t aheadBytesMax() const;

  // Says that nobody will release bytes any more: from now on bytes beyond the retention are
  // dropped, also under `block`.
  void neverWait() { mayWait_ = false; }

  // Appends bytes that the process wrote, no more than prepare allowed, and counts those that it
  // drops.
  void append(kj::ArrayPtr<const kj::byte> bytes);

  // Returns whether the policy `kill` has been violated.
  bool overflowed() const {
    return overflow_ == wire::JobSpec::Overflow::KILL && droppedBytes_ > 0;
  }

  // Forgets the bytes below `offset`, which frees capacity. An offset beyond retainedTo forgets
  // everything.
  void release(uint64_t offset);

  // Returns where reading from `offset` begins: there, or at the oldest retained byte.
  uint64_t readFrom(uint64_t offset) const { return kj::max(offset, from_); }

  // Counts retained bytes from readFrom(offset) on.
  uint64_t available(uint64_t offset) const {
    return readFrom(offset) < to_ ? to_ - readFrom(offset) : 0;
  }

  // Copies bytes.size() bytes from `offset` on, all of which are retained.
  void read(uint64_t offset, kj::ArrayPtr<kj::byte> bytes);

  // Says that no more will be appended, and frees the memory that only a growing buffer needs.
  void finish();

  // Deletes the retained bytes. Call it after finish().
  void clear();

  uint64_t producedBytes() const { return producedBytes_; }
  uint64_t droppedBytes() const { return droppedBytes_; }
  uint64_t retainedFrom() const { return from_; }
  uint64_t retainedTo() const { return to_; }

 private:
  void store(kj::ArrayPtr<const kj::byte> bytes);
  bool reserve(uint64_t retainedBytes);
  bool growMemory(uint64_t capacity);
  bool staysInMemory(uint64_t retainedBytes);
  void leaveEmptyFile();
  void shrinkMemory();
  bool spill();
  uint64_t prepareFile(SpoolFile& file, uint64_t wanted);
  void useForcedMemory();
  void moveTo(kj::ArrayPtr<kj::byte> ring);
  void dropOldest(uint64_t count);
  bool writeRing(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes);

  Spool& spool_;
  // Lowered if the spool refuses, because memory is all there is then.
  uint64_t bytesMax_;
  uint64_t memoryBytesMax_;
  uint64_t memoryFollowedBytesMax_;
  wire::JobSpec::Overflow overflow_;
  // from_ and to_ bound the retained range.
  uint64_t from_ = 0;
  uint64_t to_ = 0;
  uint64_t producedBytes_ = 0;
  uint64_t droppedBytes_ = 0;
  // True once a byte was dropped at the end, so that none can follow it.
  bool full_ = false;
  bool mayWait_ = true;
  bool isFollowed_ = false;
  // The file's ring: the size that the policy asks for, never lowered.
  uint64_t ringBytes_;
  // The bytes of memory_ that the spool has counted.
  uint64_t accountedBytes_ = 0;
  // A ring, indexed by offset modulo size. Empty once there is a file.
  kj::Array<kj::byte> memory_;
  // A ring of bytesMax_.
  kj::Maybe<kj::Own<SpoolFile>> file_;
};

}  // namespace nodeagent::exec
