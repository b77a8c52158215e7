#include "nodeagent/file/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/file/path.h"
#include "nodeagent/file/view.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

// Bounds a page; one of a single entry may be twice as large.
constexpr size_t kPageBytesMax = 1 << 20;
// The size of an entry in a message without its variable parts.
constexpr size_t kEntryBytesFixed = 256;

class Walker {
 public:
  explicit Walker(const WalkOptions& options)
      : options_(options),
        entriesMax_(options.entriesMax == 0 ? kEntriesMax
                                            : kj::min(options.entriesMax, kEntriesMax)) {}

  WalkResult run() {
    more_ = visit(openDirectory(options_.root), "", options_.after, 1) == Visit::kPageFull;
    return {entries_.releaseAsArray(), more_};
  }

 private:
  enum class Visit { kDone, kPageFull };

  // Visits the entries below `prefix` that come behind `after`, which is relative to this
  // directory.
  Visit visit(kj::AutoCloseFd directory, kj::StringPtr prefix, kj::StringPtr after, size_t depth) {
    if (depth > kTreeDepthMax) {
      support::fail(Kind::INVALID, "walk ", quoted(options_.root), ": deeper than ", kTreeDepthMax,
                    " levels at ", quoted(prefix));
    }
    size_t slash = after.findFirst('/').orDefault(after.size());
    kj::String head = kj::heapString(after.begin(), slash);
    kj::StringPtr rest = slash < after.size() ? after.slice(slash + 1) : kj::StringPtr();
    kj::AutoCloseFd forNames(openAt(directory, ".", O_RDONLY | O_DIRECTORY, 0));
    if (forNames.get() < 0) support::failErrno(-forNames.get(), "list ", quoted(prefix));
    for (auto& name : sortedNames(kj::mv(forNames), prefix)) {
      if (name < head) continue;
      // `head` itself was on an earlier page, but entries below it may still be to come.
      bool seen = name == head;
      kj::String path = join(prefix, name);
      if (!seen && !add(directory, path, name)) return Visit::kPageFull;
      int child = openBelow(directory, name);
      if (child < 0) {
        if (mayPass(-child)) continue;
        support::failErrno(-child, "walk ", quoted(options_.root), ": open ", quoted(path));
      }
      if (visit(kj::AutoCloseFd(child), path, seen ? rest : kj::StringPtr(), depth + 1) ==
          Visit::kPageFull) {
        return Visit::kPageFull;
      }
    }
    return Visit::kDone;
  }

  // Says that there is nothing to enter: no directory, one that is gone, a link, or another file
  // system.
  static bool mayPass(int error) {
    return error == ENOTDIR || error == ENOENT || error == ELOOP || error == EXDEV ||
           error == ENXIO;
  }

  // Adds an entry. Returns false if the page is full and the entry was not added.
  bool add(int directory, kj::StringPtr path, kj::StringPtr name) {
    if (entries_.size() >= entriesMax_ || bytes_ >= kPageBytesMax) return false;
    TreeEntry entry;
    struct stat status;
    if (::fstatat(directory, name.cStr(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) return true;
      support::failErrno(errno, "walk ", quoted(options_.root), ": stat ", quoted(path));
    }
    if (S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) <= inlineBytesMax()) {
      if (entries_.size() > 0 && bytes_ + static_cast<size_t>(status.st_size) > kPageBytesMax)
        return false;
      int descriptor = openAt(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
      if (descriptor == -ENOENT) return true;
      if (descriptor < 0)
        support::failErrno(-descriptor, "walk ", quoted(options_.root), ": open ", quoted(path));
      readInline(kj::AutoCloseFd(descriptor), path, entry);
    } else if (S_ISLNK(status.st_mode)) {
      entry.target = readLinkAt(directory, name);
    }
    entry.path = kj::str(path);
    entry.stat = describe(status, owners_);
    entry.attributes = attributesOf(viaDescriptor(directory, name));
    bytes_ += kEntryBytesFixed + path.size() + entry.target.size() + entry.content.size();
    for (auto& attribute : entry.attributes)
      bytes_ += attribute.name.size() + attribute.value.size() + 32;
    entries_.add(kj::mv(entry));
    return true;
  }

  // Reads the content, unless the file has grown over the limit meanwhile. The buffer has one byte
  // more than the file, by which growth shows.
  void readInline(kj::AutoCloseFd file, kj::StringPtr path, TreeEntry& entry) {
    auto buffer = kj::heapArray<kj::byte>(kj::min(inlineBytesMax(), sizeNow(file, path)) + 1);
    size_t count = readFully(file, 0, buffer, path);
    if (count > inlineBytesMax() || count == buffer.size()) return;
    entry.content = kj::heapArray(buffer.slice(0, count));
    entry.contentInline = true;
  }

  static uint64_t sizeNow(int file, kj::StringPtr path) {
    struct stat status;
    if (::fstat(file, &status) < 0) support::failErrno(errno, "stat ", quoted(path));
    return static_cast<uint64_t>(status.st_size);
  }

  uint64_t inlineBytesMax() const { return kj::min(options_.inlineBytesMax, kChunkBytesMax); }

  const WalkOptions& options_;
  const size_t entriesMax_;
  kj::Vector<TreeEntry> entries_;
  size_t bytes_ = 0;
  OwnerNames owners_;
  bool more_ = false;
};

}  // namespace

WalkResult walk(const WalkOptions& options) {
  return Walker(options).run();
}

}  // namespace nodeagent::file
