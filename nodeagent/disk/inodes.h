// The files that the kernel knows of a layer over a directory, each held open by a descriptor that
// only names it.
//
// A file is known by its device and number, so that all its hard links are one. Its number is not
// given to another file while the descriptor is open.
#pragma once

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <kj/io.h>
#include <kj/memory.h>

#include "nodeagent/disk/unsynced.h"

namespace nodeagent::disk {

struct Inode {
  Inode(kj::AutoCloseFd handle, UnsyncedTotals& totals) : file(kj::mv(handle)), unsynced(totals) {}

  // Opened with O_PATH.
  const kj::AutoCloseFd file;
  // How often the kernel was told of it. Guarded by the lock of Inodes.
  uint64_t lookups = 0;
  // Guards what follows, and the order of the file's changes.
  std::mutex mutex;
  Unsynced unsynced;

  // Returns the path by which the file is opened, whatever its name is now.
  std::string path() const;
};

// What was lost of files when their unsynced changes were taken back.
struct Lost {
  uint64_t files = 0;
  uint64_t bytes = 0;
  // The first errno; 0: all could be taken back.
  int error = 0;
};

// Calls may come from any thread.
class Inodes {
 public:
  static constexpr uint64_t kRoot = 1;

  // Takes over the descriptor of the directory.
  explicit Inodes(kj::AutoCloseFd directory);

  // The kernel names a file by a number; kRoot is the directory itself. The reference is valid
  // until the kernel forgets the file, which it does not during a request for it.
  Inode& at(uint64_t number);

  // Finds a name below an inode, and counts it as known. Returns an errno, or 0 with the number and
  // the status.
  int lookUp(Inode& parent, const char* name, uint64_t& number, struct stat& status);

  // Takes back `lookups` of the times that the kernel was told of the file.
  void forget(uint64_t number, uint64_t lookups);

  // Takes back all unsynced changes of all files.
  Lost takeBackUnsynced();

  uint64_t unsyncedBytes() const { return totals_.written; }

 private:
  using Key = std::pair<dev_t, ino_t>;

  UnsyncedTotals totals_;
  std::mutex mutex_;
  // Where the kernel knows a file no more, it stays here while it has unsynced changes.
  std::map<uint64_t, kj::Own<Inode>> inodes_;
  std::map<Key, uint64_t> numbers_;
  uint64_t lastNumber_ = kRoot;
};

}  // namespace nodeagent::disk
