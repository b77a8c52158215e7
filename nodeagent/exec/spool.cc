#include "nodeagent/exec/spool.h"

namespace nodeagent::exec {
namespace {

// The file system is asked for its free space once in this many bytes.
constexpr uint64_t kAccountStepBytes = 16 << 20;

}  // namespace

Spool::Spool(kj::Maybe<kj::Own<ScratchDisk>> disk, const JobLimits& limits)
    : disk_(kj::mv(disk)), limits_(limits) {}

bool Spool::takeMemory(uint64_t bytes) {
  if (memoryBytes_ + bytes > limits_.memoryBytesMax) return false;
  memoryBytes_ += bytes;
  return true;
}

bool Spool::takeFile(uint64_t bytes) {
  while (fileBytes_ + bytes > limits_.spoolBytesMax) {
    if (!reclaim_()) return false;
  }
  fileBytes_ += bytes;
  return true;
}

kj::Maybe<kj::Own<SpoolFile>> Spool::make() {
  KJ_IF_MAYBE (disk, disk_) {
    auto made = (*disk)->make();
    KJ_IF_MAYBE (file, made) return kj::heap<SpoolFile>(*this, kj::mv(*file));
  }
  return nullptr;
}

SpoolFile::SpoolFile(Spool& spool, kj::Own<ScratchFile> file) : spool_(spool), file_(kj::mv(file)) {
  ++spool_.fileCount_;
}

SpoolFile::~SpoolFile() noexcept(false) {
  spool_.fileBytes_ -= accountedBytes_;
  --spool_.fileCount_;
}

bool SpoolFile::reserveTo(uint64_t end) {
  while (end > accountedBytes_) {
    if (!file_->hasCapacity(kAccountStepBytes) || !spool_.takeFile(kAccountStepBytes)) return false;
    accountedBytes_ += kAccountStepBytes;
  }
  return true;
}

bool SpoolFile::write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes) {
  return reserveTo(position + bytes.size()) && file_->write(position, bytes);
}

}  // namespace nodeagent::exec
