#include "nodeagent/disk/unsynced.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace nodeagent::disk {
namespace {

// What a change costs besides its content.
constexpr uint64_t kChangeBytes = 64;

}  // namespace

int Unsynced::keep(int file, uint64_t offset, uint64_t bytes) {
  struct stat status {};
  if (::fstat(file, &status) < 0) return errno;
  auto size = static_cast<uint64_t>(status.st_size);
  uint64_t old = offset < size ? std::min(bytes, size - offset) : 0;
  if (bytes != UINT64_MAX) {
    writtenBytes_ += bytes;
    totals_.written.fetch_add(bytes);
  }
  if (totals_.kept.fetch_add(old + kChangeBytes) + old + kChangeBytes > keptBytesMax_) {
    totals_.kept.fetch_sub(old + kChangeBytes);
    forget();
    return 0;
  }
  keptHere_ += old + kChangeBytes;
  Change change{offset, size, std::string(old, '\0')};
  for (uint64_t done = 0; done < old;) {
    ssize_t count = ::pread(file, change.contentBefore.data() + done, old - done,
                            static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    done += static_cast<uint64_t>(count);
  }
  changes_.push_back(std::move(change));
  return 0;
}

void Unsynced::forget() {
  changes_.clear();
  totals_.kept.fetch_sub(keptHere_);
  keptHere_ = 0;
  totals_.written.fetch_sub(writtenBytes_);
  writtenBytes_ = 0;
}

int Unsynced::takeBack(int file) {
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    const std::string& content = change->contentBefore;
    for (size_t done = 0; done < content.size();) {
      ssize_t count = ::pwrite(file, content.data() + done, content.size() - done,
                               static_cast<off_t>(change->offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return count < 0 ? errno : EIO;
      done += static_cast<size_t>(count);
    }
    if (::ftruncate(file, static_cast<off_t>(change->sizeBefore)) < 0) return errno;
  }
  forget();
  return 0;
}

}  // namespace nodeagent::disk
