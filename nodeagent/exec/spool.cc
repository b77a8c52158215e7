#include "nodeagent/exec/spool.h"

#include <mutex>

#include <kj/debug.h>

namespace nodeagent::exec {
namespace {

// The file system is asked for its free space once in this many bytes.
constexpr uint64_t kAccountStepBytes = 16 << 20;

}  // namespace

Spool::Spool(kj::Maybe<kj::Own<ScratchDisk>> disk, const JobLimits& limits, Worker& worker)
    : disk_(kj::mv(disk)), limits_(limits), worker_(worker) {}

bool Spool::takeMemory(uint64_t bytes) {
  if (memoryBytes_ + bytes > limits_.memoryBytesMax) return false;
  memoryBytes_ += bytes;
  return true;
}

bool Spool::takeFile(uint64_t bytes, Reclaim reclaim) {
  while (fileBytes_ + bytes > limits_.spoolBytesMax) {
    if (reclaim == Reclaim::kNo || !reclaim_()) return false;
  }
  fileBytes_ += bytes;
  return true;
}

kj::Maybe<kj::Own<SpoolFile>> Spool::newFile() {
  KJ_IF_MAYBE (disk, disk_) return kj::heap<SpoolFile>(*this, (*disk)->newFile());
  return nullptr;
}

struct SpoolFile::Shared final : public kj::AtomicRefcounted {
  explicit Shared(kj::Own<ScratchFile> scratch) : file(kj::mv(scratch)) {}

  Written write(Range range, const MemoryRing& memory, uint64_t newBytes);
  kj::Array<kj::byte> read(Range range);

  std::mutex mutex;
  kj::Own<ScratchFile> file;
  bool isMade = false;
  bool isRemoved = false;
};

SpoolFile::Written SpoolFile::Shared::write(Range range, const MemoryRing& memory,
                                            uint64_t newBytes) {
  std::lock_guard lock(mutex);
  if (isRemoved) return Written::kFailed;
  if (!isMade && !file->make()) return Written::kNoFile;
  isMade = true;
  if (newBytes > 0 && !file->hasCapacity(newBytes)) return Written::kNoCapacity;
  for (uint64_t at = range.begin; at < range.end;) {
    uint64_t source = at % memory.bytes.size();
    uint64_t target = at % range.ringBytes;
    uint64_t count =
        kj::min(range.end - at, kj::min(memory.bytes.size() - source, range.ringBytes - target));
    if (!file->write(target, memory.bytes.slice(source, source + count))) return Written::kFailed;
    at += count;
  }
  return Written::kAll;
}

kj::Array<kj::byte> SpoolFile::Shared::read(Range range) {
  std::lock_guard lock(mutex);
  KJ_REQUIRE(!isRemoved, "the output was deleted while it was read");
  auto bytes = kj::heapArray<kj::byte>(range.end - range.begin);
  for (uint64_t at = range.begin; at < range.end;) {
    uint64_t source = at % range.ringBytes;
    uint64_t count = kj::min(range.end - at, range.ringBytes - source);
    uint64_t target = at - range.begin;
    file->read(source, bytes.slice(target, target + count));
    at += count;
  }
  return bytes;
}

SpoolFile::SpoolFile(Spool& spool, kj::Own<ScratchFile> file)
    : spool_(spool), shared_(kj::atomicRefcounted<Shared>(kj::mv(file))) {
  ++spool_.fileCount_;
}

SpoolFile::~SpoolFile() noexcept(false) {
  giveBack(accountedBytes_);
  --spool_.fileCount_;
  spool_.worker_.start([shared = kj::mv(shared_)]() mutable {
    std::lock_guard lock(shared->mutex);
    shared->isRemoved = true;
    shared->file->remove();
  });
}

void SpoolFile::giveBack(uint64_t bytes) {
  accountedBytes_ -= bytes;
  spool_.fileBytes_ -= bytes;
}

// Counts what the range needs beyond what the file has already, in whole steps. Returns the bytes
// that are new; null if the spool has none left.
kj::Maybe<uint64_t> SpoolFile::reserve(Range range, Growth growth) {
  auto reclaim = growth == Growth::kGoesOn ? Spool::Reclaim::kYes : Spool::Reclaim::kNo;
  uint64_t begin = range.begin % range.ringBytes;
  uint64_t end = kj::min(begin + (range.end - range.begin), range.ringBytes);
  uint64_t before = accountedBytes_;
  while (end > accountedBytes_) {
    if (!spool_.takeFile(kAccountStepBytes, reclaim)) {
      giveBack(accountedBytes_ - before);
      return nullptr;
    }
    accountedBytes_ += kAccountStepBytes;
  }
  return accountedBytes_ - before;
}

kj::Promise<SpoolFile::Written> SpoolFile::write(Range range, kj::Own<MemoryRing> memory,
                                                 Growth growth) {
  KJ_IF_MAYBE (reserved, reserve(range, growth)) {
    auto task = [shared = kj::atomicAddRef(*shared_), range, memory = kj::mv(memory),
                 newBytes = *reserved]() mutable {
      return shared->write(range, *memory, newBytes);
    };
    return spool_.worker_.runPatiently(kj::mv(task))
        .then([this, newBytes = *reserved](Written written) {
          if (written == Written::kNoCapacity || written == Written::kNoFile) giveBack(newBytes);
          return written;
        });
  }
  return Written::kNoCapacity;
}

kj::Promise<kj::Array<kj::byte>> SpoolFile::read(Range range) {
  return spool_.worker_.runPatiently(
      [shared = kj::atomicAddRef(*shared_), range]() mutable { return shared->read(range); });
}

void SpoolFile::close() {
  spool_.worker_.start([shared = kj::atomicAddRef(*shared_)]() mutable {
    std::lock_guard lock(shared->mutex);
    if (!shared->isRemoved) shared->file->close();
  });
}

}  // namespace nodeagent::exec
