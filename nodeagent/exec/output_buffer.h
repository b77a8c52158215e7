// What one output stream of a job produced and what of it is kept: by offset, in memory first and
// then in a spool file, with the overflow policy's exact counts. It does not read the stream
// (output_stream.h does).
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/memory.h>

#include "nodeagent/exec/spool.h"
#include "schema/job.capnp.h"

namespace nodeagent {

// See JobSpec.StreamPolicy.
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

  // How many of `wanted` bytes may be appended now: fewer only under the policy `block`, 0 when the
  // retention is full.
  uint64_t prepare(uint64_t wanted);

  // Whether a reader keeps up. Under `block`, what it has not released yet then waits in memory,
  // also more than of other streams, and prepare refuses what does not fit: the way through the
  // file would cost more than the wait.
  void setFollowed(bool isFollowed) { isFollowed_ = isFollowed; }

  // prepare refused only because of that.
  bool waitsInMemory() const;

  // How far beyond what was produced a reader may ask. 0: not at all, since what it asks for may be
  // dropped.
  uint64_t aheadBytesMax() const;

  // Nobody will make room any more: from now on, also under `block`, what does not fit is dropped.
  void neverWait() { mayWait_ = false; }

  // Takes bytes that the process wrote, as many as prepare allowed, and counts what is dropped.
  void append(kj::ArrayPtr<const kj::byte> bytes);

  // Whether the policy `kill` has been violated.
  bool overflowed() const {
    return overflow_ == wire::JobSpec::Overflow::KILL && droppedBytes_ > 0;
  }

  // Forgets what is below `offset`, which makes room. Beyond retainedTo: forgets everything.
  void release(uint64_t offset);

  // Where reading from `offset` begins: there, or at the oldest retained byte.
  uint64_t readFrom(uint64_t offset) const { return kj::max(offset, from_); }

  // Retained bytes from readFrom(offset) on.
  uint64_t available(uint64_t offset) const {
    return readFrom(offset) < to_ ? to_ - readFrom(offset) : 0;
  }

  // Copies bytes.size() bytes, all of which are retained.
  void read(uint64_t offset, kj::ArrayPtr<kj::byte> bytes);

  // No more will be appended: gives back what only a growing buffer needs.
  void finish();

  // After finish(): deletes what is retained.
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
  uint64_t bytesMax_;  // Lowered if the spool refuses: then memory is all there is.
  uint64_t memoryBytesMax_;
  uint64_t memoryFollowedBytesMax_;
  wire::JobSpec::Overflow overflow_;
  uint64_t from_ = 0;  // The retained range.
  uint64_t to_ = 0;
  uint64_t producedBytes_ = 0;
  uint64_t droppedBytes_ = 0;
  bool full_ = false;  // A byte was dropped at the end, so that none can follow it.
  bool mayWait_ = true;
  bool isFollowed_ = false;
  uint64_t ringBytes_;                  // Of the file: what the policy asks for, never lowered.
  uint64_t accountedBytes_ = 0;         // Of memory_, with the spool.
  kj::Array<kj::byte> memory_;          // A ring: offset modulo size. Empty once there is a file.
  kj::Maybe<kj::Own<SpoolFile>> file_;  // A ring of bytesMax_.
};

}  // namespace nodeagent
