// Keeps what a file was before the changes that nobody has synced, so that they can be taken back:
// what a power failure leaves of a file is what was synced of it.
//
// A disk would have written some of them on its own. So this is the worst that a program must be
// ready for, and not the likeliest.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <atomic>
#include <string>
#include <vector>

namespace nodeagent::disk {

// Bounds the old content that all files together keep. A change that would exceed it counts as
// synced, with all before it of its file.
constexpr uint64_t kKeptBytesMax = 256 << 20;

// What all files together have: bytes of old content that are kept, and bytes that were written
// since.
struct UnsyncedTotals {
  std::atomic<uint64_t> kept = 0;
  std::atomic<uint64_t> written = 0;
};

// The changes of one file since it was synced. Calls for one file come one after the other; the
// totals are shared by all files, and outlive it.
class Unsynced {
 public:
  explicit Unsynced(UnsyncedTotals& totals, uint64_t keptBytesMax = kKeptBytesMax)
      : totals_(totals), keptBytesMax_(keptBytesMax) {}
  ~Unsynced() { forget(); }
  Unsynced(const Unsynced&) = delete;
  Unsynced& operator=(const Unsynced&) = delete;

  // Is called before `bytes` bytes at `offset` are written; UINT64_MAX: before all behind `offset`
  // is cut off or allocated. `file` can be read. Returns an errno; 0: it is kept.
  int keep(int file, uint64_t offset, uint64_t bytes);

  // The file was synced, so nothing before this is ever taken back.
  void forget();

  // Takes all changes back, the newest first. `file` can be written. Returns an errno.
  int takeBack(int file);

  bool isEmpty() const { return changes_.empty(); }

  // Returns how many bytes the file would lose of what was written.
  uint64_t writtenBytes() const { return writtenBytes_; }

 private:
  struct Change {
    uint64_t offset;
    uint64_t sizeBefore;
    std::string contentBefore;
  };

  UnsyncedTotals& totals_;
  const uint64_t keptBytesMax_;
  std::vector<Change> changes_;
  uint64_t keptHere_ = 0;
  uint64_t writtenBytes_ = 0;
};

}  // namespace nodeagent::disk
