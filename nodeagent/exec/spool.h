// Where output goes that is too much for memory, and the node-wide bounds of both.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "nodeagent/exec/job_limits.h"
#include "nodeagent/os/scratch_disk.h"

namespace nodeagent {

class SpoolFile;

// For the keeper's thread. Outlives its files.
class Spool {
 public:
  // Without a disk there is no spool, and output is bounded by memory alone.
  Spool(kj::Maybe<kj::Own<ScratchDisk>> disk, const JobLimits& limits);
  KJ_DISALLOW_COPY(Spool);

  // Called when files need more room than there is; deletes something that nobody will ask for, or
  // returns false.
  void onShortage(kj::Function<bool()> reclaim) { reclaim_ = kj::mv(reclaim); }

  // Accounts for memory. `false`: there is none left, the caller must do with what it has.
  bool takeMemory(uint64_t bytes);
  // Whether so much is left to whoever could do without it.
  bool sparesMemory(uint64_t bytes) const {
    return memoryBytes_ + bytes <= limits_.memoryBytesMax / 2;
  }
  void giveMemory(uint64_t bytes) { memoryBytes_ -= bytes; }
  uint64_t memoryBytes() const { return memoryBytes_; }

  // A new file; null if it cannot be made now.
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

// One file, removed with this object.
class SpoolFile {
 public:
  SpoolFile(Spool& spool, kj::Own<ScratchFile> file);
  ~SpoolFile() noexcept(false);
  KJ_DISALLOW_COPY(SpoolFile);

  // Accounts for content up to `end`, so that it can be written. `false`: there is no room for all
  // of it.
  bool takeRoom(uint64_t end);
  uint64_t roomTo() const { return accountedBytes_; }

  // `false`: it could not be written (the bound of the spool, or the disk). The content is as
  // before then.
  bool write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes);

  // Throws if it cannot be read, which only a damaged disk explains.
  void read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) { file_->read(position, bytes); }

  // Nothing will be written again: gives the descriptor back, since finished jobs are many.
  void close() { file_->close(); }

 private:
  Spool& spool_;
  kj::Own<ScratchFile> file_;
  uint64_t accountedBytes_ = 0;
};

}  // namespace nodeagent
