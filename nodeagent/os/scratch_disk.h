// Files that one process writes and reads back, and that nobody needs after it: the seam between
// the spool and the disk.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/string.h>

namespace nodeagent {

// Destroying it removes the file.
class ScratchFile {
 public:
  virtual ~ScratchFile() noexcept(false) = default;

  // Whether that many bytes more fit, and leave to others what they need.
  virtual bool hasRoom(uint64_t bytes) = 0;

  // `false`: not all of them could be written; some may have been.
  virtual bool write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes) = 0;

  // Throws if it cannot be read, which only a damaged disk explains.
  virtual void read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) = 0;

  // Nothing will be written again: gives the descriptor back. Reading opens it again.
  virtual void close() = 0;
};

class ScratchDisk {
 public:
  // Files (mode 0600) in `directory`, which is made if absent (mode 0700), and emptied of what an
  // earlier process left in it. Throws if it cannot be made.
  static kj::Own<ScratchDisk> inDirectory(kj::StringPtr directory);

  virtual ~ScratchDisk() noexcept(false) = default;

  // A new, empty file; null if it cannot be made now.
  virtual kj::Maybe<kj::Own<ScratchFile>> make() = 0;
};

}  // namespace nodeagent
