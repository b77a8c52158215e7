// Keeps the output of one stream of a job by offset, with the overflow policy's exact counts. It
// does not read the stream (output_stream.h does).
//
// All output goes to a ring in memory. Where the retention needs more, its oldest bytes move to a
// spool file, by tasks of a worker, and their place is free when they are there. Nothing here waits
// for the disk: prepare() refuses bytes while it must do its part first.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/async.h>
#include <kj/function.h>
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
  // `spool` outlives it. `diskAnswered` is called when the disk has done its part, so that
  // prepare() may allow more; it must not destroy this object.
  OutputBuffer(Spool& spool, OutputPolicy policy, const JobLimits& limits,
               kj::Function<void()> diskAnswered);
  ~OutputBuffer() noexcept(false);
  KJ_DISALLOW_COPY(OutputBuffer);

  // Returns how many of `wanted` bytes may be appended now. 0 means that the retention is full,
  // which only happens under the policy `block`, or that the disk must answer first.
  uint64_t prepare(uint64_t wanted);

  // Returns whether prepare refused bytes because the disk must answer first.
  bool waitsForDisk() const { return waitsForDisk_; }

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
  // dropped, also under `block`, and bytes beyond the memory if the disk is slow.
  void neverWait() { mayWait_ = false; }

  // Appends bytes that the process wrote, and counts those that it drops. More than prepare allowed
  // may not fit.
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

  // Copies bytes.size() bytes from `offset` on, all of which are retained. Returns false if some of
  // them lie in the file.
  bool read(uint64_t offset, kj::ArrayPtr<kj::byte> bytes) const;

  // Reads them where read() returned false. They are what was asked for if isIntact(offset)
  // afterwards. Otherwise they were released or dropped meanwhile, and others took their place.
  kj::Promise<kj::Array<kj::byte>> fetch(uint64_t offset, uint64_t size);
  bool isIntact(uint64_t offset) const { return writeBegunTo_ <= offset + ringBytes_; }

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
  void dropOldest(uint64_t count);
  void moveFrom(uint64_t offset);

  uint64_t memorySize() const { return memory_.get() == nullptr ? 0 : memory_->bytes.size(); }
  uint64_t inMemory() const { return kj::min(to_ - memoryFrom_, memorySize()); }
  uint64_t makeRoom(uint64_t count);
  void growMemory(uint64_t needed);
  bool takeMemory(uint64_t capacity);
  void resizeMemory(uint64_t capacity);
  void copyIn(kj::ArrayPtr<const kj::byte> bytes);
  bool waitsForReader() const;

  void leaveEmptyFile();
  void leaveFile();
  bool beginWriting();
  void goOnWriting();
  bool shouldWrite() const;
  kj::Promise<void> writeSome(SpoolFile& file);
  void written(SpoolFile::Written outcome);
  void noCapacity();
  uint64_t memoryBesideFile() const;
  void shrinkMemory();
  void settle();

  Spool& spool_;
  kj::Function<void()> diskAnswered_;
  // Lowered if there is no file, because memory is all there is then.
  uint64_t bytesMax_;
  uint64_t memoryBytesMax_;
  uint64_t memoryFollowedBytesMax_;
  wire::JobSpec::Overflow overflow_;
  // from_ and to_ bound the retained range. Bytes from memoryFrom_ on have a place in memory_, and
  // those below it are in the file. memoryFrom_ is below from_ only while released bytes are being
  // written.
  uint64_t from_ = 0;
  uint64_t memoryFrom_ = 0;
  uint64_t to_ = 0;
  uint64_t producedBytes_ = 0;
  uint64_t droppedBytes_ = 0;
  // True once a byte was dropped at the end, so that none can follow it.
  bool full_ = false;
  bool mayWait_ = true;
  bool isFollowed_ = false;
  bool isFinished_ = false;
  bool waitsForDisk_ = false;
  // True from a write that found no capacity until the reader releases bytes.
  bool isSpoolFull_ = false;
  // True once a write has failed, after which none is tried.
  bool isBroken_ = false;
  bool isWriting_ = false;
  // The end of the bytes whose write was begun last.
  uint64_t writeBegunTo_ = 0;
  // The file's ring: the size that the policy asks for, never lowered.
  const uint64_t ringBytes_;
  // The bytes of memory_ that the spool has counted.
  uint64_t accountedBytes_ = 0;
  kj::Own<MemoryRing> memory_;
  kj::Maybe<kj::Own<SpoolFile>> file_;
  // Is the last member because it uses the others.
  kj::Promise<void> writing_ = nullptr;
};

}  // namespace nodeagent::exec
