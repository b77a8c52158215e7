// Makes files that one process writes and reads back, and that nobody needs after it. It is the
// seam between the spool and the disk.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/string.h>

namespace nodeagent {

// One scratch file. Its methods may wait for the disk. Each may be called from any thread, one at a
// time. Destruction leaves the file where it is.
class ScratchFile {
 public:
  virtual ~ScratchFile() noexcept(false) = default;

  // Makes the file, empty. Returns false if that is not possible now. Call it first.
  virtual bool make() = 0;

  // Says whether that many more bytes fit and still leave enough of the disk to others.
  virtual bool hasCapacity(uint64_t bytes) = 0;

  // Returns false if not all bytes could be written; some may have been.
  virtual bool write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes) = 0;

  // Fills `bytes`. Throws if it cannot read them, which only a damaged disk explains.
  virtual void read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) = 0;

  // Returns the descriptor to the system, once nothing will be written again. Reading opens the
  // file again.
  virtual void close() = 0;

  // Removes the file, if it was made. Nothing else is called afterwards.
  virtual void remove() = 0;
};

// Belongs to the keeper's thread.
class ScratchDisk {
 public:
  // Makes files (mode 0600) in `directory`, which is made if absent (mode 0700) and emptied of
  // files that an earlier process left. Throws if it cannot be made. It waits for the disk.
  static kj::Own<ScratchDisk> inDirectory(kj::StringPtr directory);

  virtual ~ScratchDisk() noexcept(false) = default;

  // Chooses the name of a new file, and does not wait for the disk.
  virtual kj::Own<ScratchFile> newFile() = 0;
};

}  // namespace nodeagent
