// Keeps output that is too much for memory in files, and counts memory and files against the bounds
// of the whole node. It does not decide which bytes go there (output_buffer.h does).
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "nodeagent/exec/job_limits.h"
#include "nodeagent/os/scratch_disk.h"

namespace nodeagent::exec {

class SpoolFile;

// Belongs to the keeper's thread, and outlives its files.
class Spool {
 public:
  // Makes a spool. Without a disk output is bounded by memory alone.
  Spool(kj::Maybe<kj::Own<ScratchDisk>> disk, const JobLimits& limits);
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

  // Makes a new file; null if that is not possible now.
  kj::Maybe<kj::Own<SpoolFile>> make();

  uint64_t fileBytes() const { return fileBytes_; }
  uint64_t fileCount() const { return fileCount_; }

 private:
  friend class SpoolFile;
  bool takeFile(uint64_t bytes);

  kj::Maybe<kj::Own<ScratchDisk>> disk_;
  JobLimits limits_;
  uint64_t memoryBytes_ = 0;
  uint64_t fileBytes_ = 0;
  uint64_t fileCount_ = 0;
  kj::Function<bool()> reclaim_ = []() { return false; };
};

// One file of the spool. Its destruction removes it.
class SpoolFile {
 public:
  SpoolFile(Spool& spool, kj::Own<ScratchFile> file);
  ~SpoolFile() noexcept(false);
  KJ_DISALLOW_COPY(SpoolFile);

  // Reserves capacity up to the offset `end`, so that content can be written there. Returns false
  // if not all of it could be reserved.
  bool reserveTo(uint64_t end);
  uint64_t reservedTo() const { return accountedBytes_; }

  // Writes `bytes`. Returns false if it could not (the limit of the spool, or the disk); the
  // content is unchanged then.
  bool write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes);

  // Fills `bytes`. Throws if it cannot read them, which only a damaged disk explains.
  void read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) { file_->read(position, bytes); }

  // Returns the descriptor to the system once nothing will be written again, since finished jobs
  // are many.
  void close() { file_->close(); }

 private:
  Spool& spool_;
  kj::Own<ScratchFile> file_;
  uint64_t accountedBytes_ = 0;
};

}  // namespace nodeagent::exec
