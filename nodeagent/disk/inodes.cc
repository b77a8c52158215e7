#include "nodeagent/disk/inodes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace nodeagent::disk {

std::string Inode::path() const {
  return "/proc/self/fd/" + std::to_string(file.get());
}

Inodes::Inodes(kj::AutoCloseFd directory) {
  auto root = kj::heap<Inode>(kj::mv(directory), totals_);
  root->lookups = 1;
  struct stat status {};
  if (::fstat(root->file, &status) == 0) numbers_[{status.st_dev, status.st_ino}] = kRoot;
  inodes_[kRoot] = kj::mv(root);
}

Inode& Inodes::at(uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex_);
  return *inodes_.at(number);
}

int Inodes::lookUp(Inode& parent, const char* name, uint64_t& number, struct stat& status) {
  kj::AutoCloseFd file(::openat(parent.file, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0) return errno;
  if (::fstat(file, &status) < 0) return errno;
  std::lock_guard<std::mutex> lock(mutex_);
  auto [place, isNew] = numbers_.try_emplace({status.st_dev, status.st_ino}, lastNumber_ + 1);
  number = place->second;
  if (isNew) inodes_[++lastNumber_] = kj::heap<Inode>(kj::mv(file), totals_);
  ++inodes_.at(number)->lookups;
  return 0;
}

void Inodes::forget(uint64_t number, uint64_t lookups) {
  kj::Own<Inode> gone;
  std::lock_guard<std::mutex> lock(mutex_);
  auto place = inodes_.find(number);
  if (place == inodes_.end() || number == kRoot) return;
  Inode& inode = *place->second;
  inode.lookups -= std::min(lookups, inode.lookups);
  if (inode.lookups > 0) return;
  {
    std::lock_guard<std::mutex> inodeLock(inode.mutex);
    if (!inode.unsynced.isEmpty()) return;
  }
  struct stat status {};
  if (::fstat(inode.file, &status) == 0) numbers_.erase({status.st_dev, status.st_ino});
  gone = kj::mv(place->second);
  inodes_.erase(place);
}

Lost Inodes::takeBackUnsynced() {
  Lost lost;
  std::lock_guard<std::mutex> allLock(mutex_);
  for (auto& [number, inode] : inodes_) {
    std::lock_guard<std::mutex> lock(inode->mutex);
    if (inode->unsynced.isEmpty()) continue;
    ++lost.files;
    lost.bytes += inode->unsynced.writtenBytes();
    kj::AutoCloseFd file(::open(inode->path().c_str(), O_RDWR | O_CLOEXEC));
    int error = file.get() < 0 ? errno : inode->unsynced.takeBack(file);
    if (lost.error == 0) lost.error = error;
  }
  return lost;
}

}  // namespace nodeagent::disk
