// Keeps output that is too much for memory in files, and counts memory and files against the bounds
// of the whole node. It does not decide which bytes go there (output_buffer.h does).
//
// The loop waits for no disk: every call on a file is a task of a worker.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/async.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/refcount.h>

#include "nodeagent/exec/job_limits.h"
#include "nodeagent/os/scratch_disk.h"
#include "nodeagent/os/worker.h"

namespace nodeagent::exec {

class SpoolFile;

// Bytes of a stream, indexed by their offset modulo the size. The loop and one task may use it at
// the same time, for different bytes.
struct MemoryRing final : public kj::AtomicRefcounted {
  explicit MemoryRing(uint64_t size) : bytes(kj::heapArray<kj::byte>(size)) {}
  kj::Array<kj::byte> bytes;
};

// Belongs to the keeper's thread, and outlives its files.
class Spool {
 public:
  // Makes a spool. Without a disk output is bounded by memory alone. `worker` outlives it.
  Spool(kj::Maybe<kj::Own<ScratchDisk>> disk, const JobLimits& limits, Worker& worker);
  KJ_DISALLOW_COPY(Spool);

  // Sets a function that is called when files need more than the spool's limit leaves. It deletes
  // something that nobody will ask for, or returns false.
  void onShortage(kj::Function<bool()> reclaim) { reclaim_ = kj::mv(reclaim); }

  // Counts memory as used. Returns false if none is left: the caller must go on with what it has.
  bool takeMemory(uint64_t bytes);
  // Returns whether a caller that could do without it may take `bytes` more: only while at most
  // half of the node's limit is used afterwards.
  bool sparesMemory(uint64_t bytes) const {
    return memoryBytes_ + bytes <= limits_.memoryBytesMax / 2;
  }
  void giveMemory(uint64_t bytes) { memoryBytes_ -= bytes; }
  uint64_t memoryBytes() const { return memoryBytes_; }

  // Returns a new file, which is made when something is written to it; null without a disk.
  kj::Maybe<kj::Own<SpoolFile>> newFile();

  uint64_t fileBytes() const { return fileBytes_; }
  uint64_t fileCount() const { return fileCount_; }

 private:
  friend class SpoolFile;
  enum class Reclaim { kNo, kYes };
  bool takeFile(uint64_t bytes, Reclaim reclaim);

  kj::Maybe<kj::Own<ScratchDisk>> disk_;
  JobLimits limits_;
  Worker& worker_;
  uint64_t memoryBytes_ = 0;
  uint64_t fileBytes_ = 0;
  uint64_t fileCount_ = 0;
  kj::Function<bool()> reclaim_ = []() { return false; };
};

// One file of the spool, a ring of bytes by offset. Its destruction removes it, after tasks that
// use it; they keep what they need of it.
class SpoolFile {
 public:
  SpoolFile(Spool& spool, kj::Own<ScratchFile> file);
  ~SpoolFile() noexcept(false);
  KJ_DISALLOW_COPY(SpoolFile);

  // Says what became of a write. What had been written before is still good in any case.
  enum class Written { kAll, kNoFile, kNoCapacity, kFailed };

  // Names the bytes of a stream from `begin` to `end`, and the size of the file's ring.
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t ringBytes = 0;
  };

  // Says whether a stream can still grow. One that cannot belongs to a job that may be deleted when
  // capacity is short.
  enum class Growth { kOver, kGoesOn };

  // Writes bytes of `memory`, which nobody may change meanwhile. One write at a time.
  kj::Promise<Written> write(Range range, kj::Own<MemoryRing> memory, Growth growth);

  // Reads bytes that have been written. Rejects if it cannot, which only a damaged disk explains,
  // or if the file is removed meanwhile. Bytes that a later write replaced meanwhile are not what
  // was asked for.
  kj::Promise<kj::Array<kj::byte>> read(Range range);

  // Returns the descriptor to the system once nothing will be written again, since finished jobs
  // are many.
  void close();

 private:
  // The part that tasks use. One of them has it at a time.
  struct Shared;

  kj::Maybe<uint64_t> reserve(Range range, Growth growth);
  void giveBack(uint64_t bytes);

  Spool& spool_;
  kj::Own<Shared> shared_;
  uint64_t accountedBytes_ = 0;
};

}  // namespace nodeagent::exec
