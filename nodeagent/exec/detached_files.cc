#include "nodeagent/exec/detached_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <capnp/serialize.h>
#include <kj/debug.h>

#include "schema/support/base/crc32c.h"
#include "schema/support/base/id.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

// A specification has about 2 MiB at most.
constexpr size_t kFileBytesMax = 16 << 20;

// Precedes the message in a file. Its size is a multiple of a word, so that the message is aligned.
struct Header {
  uint32_t magic = 0x6d646a31;
  uint32_t crc = 0;
  uint64_t bytes = 0;
};

// A message that owns the bytes from which it is read.
class StoredMessage final : public capnp::FlatArrayMessageReader {
 public:
  StoredMessage(kj::Array<capnp::word> words, capnp::ReaderOptions limits)
      : capnp::FlatArrayMessageReader(words, limits), words_(kj::mv(words)) {}

 private:
  kj::Array<capnp::word> words_;
};

void writeFully(int fd, kj::ArrayPtr<const kj::byte> bytes, kj::StringPtr path) {
  while (bytes.size() > 0) {
    ssize_t count = ::write(fd, bytes.begin(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) support::failErrno(errno, "write ", path);
    bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
  }
}

bool readFully(int fd, kj::ArrayPtr<kj::byte> bytes) {
  while (bytes.size() > 0) {
    ssize_t count = ::read(fd, bytes.begin(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
  }
  return true;
}

void removeBelow(kj::StringPtr path) {
  DIR* directory = opendir(path.cStr());
  if (directory == nullptr) return;
  KJ_DEFER(closedir(directory));
  while (dirent* entry = readdir(directory)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    unlinkat(dirfd(directory), entry->d_name, 0);
  }
}

}  // namespace

// The name is short because the path of a socket is limited to 107 bytes.
DetachedFiles DetachedFiles::choose(kj::StringPtr parent) {
  return DetachedFiles(kj::str(parent, "/", kj::hex(support::randomNumber())));
}

void DetachedFiles::make() const {
  auto parent = kj::str(path_.slice(0, KJ_ASSERT_NONNULL(path_.findLast('/'))));
  if (mkdir(parent.cStr(), 0700) < 0 && errno != EEXIST)
    support::failErrno(errno, "make the directory ", parent);
  if (mkdir(path_.cStr(), 0700) < 0) support::failErrno(errno, "make the directory ", path_);
}

kj::Vector<DetachedFiles> DetachedFiles::all(kj::StringPtr parent) {
  kj::Vector<DetachedFiles> found;
  DIR* directory = opendir(parent.cStr());
  if (directory == nullptr) return found;
  KJ_DEFER(closedir(directory));
  while (dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') found.add(kj::str(parent, "/", entry->d_name));
  }
  return found;
}

void DetachedFiles::write(kj::StringPtr name, capnp::MessageBuilder& message) const {
  write(name, capnp::messageToFlatArray(message));
}

// Writes a new file and renames it over the old one, so that a process which is killed here leaves
// one of the two.
void DetachedFiles::write(kj::StringPtr name, kj::ArrayPtr<const capnp::word> message) const {
  Header header;
  header.crc = support::crc32c(message.asBytes());
  header.bytes = message.asBytes().size();
  auto path = kj::str(path_, "/", name);
  auto fresh = kj::str(path, ".new");
  kj::AutoCloseFd fd(open(fresh.cStr(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (fd.get() < 0) support::failErrno(errno, "write ", fresh);
  writeFully(fd, kj::arrayPtr(reinterpret_cast<const kj::byte*>(&header), sizeof header), fresh);
  writeFully(fd, message.asBytes(), fresh);
  if (rename(fresh.cStr(), path.cStr()) < 0) support::failErrno(errno, "rename ", fresh);
}

kj::Maybe<kj::Own<capnp::MessageReader>> DetachedFiles::read(kj::StringPtr name) const {
  kj::AutoCloseFd fd(open(kj::str(path_, "/", name).cStr(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.get() < 0) return nullptr;
  Header header;
  Header wanted;
  bool isOurs = readFully(fd, kj::arrayPtr(reinterpret_cast<kj::byte*>(&header), sizeof header)) &&
                header.magic == wanted.magic && header.bytes <= kFileBytesMax &&
                header.bytes % sizeof(capnp::word) == 0;
  if (!isOurs) return nullptr;
  auto words = kj::heapArray<capnp::word>(header.bytes / sizeof(capnp::word));
  // The check sum comes before the library's reader, which trusts a message's table of segments
  // more than it should. Only bytes that an agent wrote reach it.
  if (!readFully(fd, words.asBytes()) || support::crc32c(words.asBytes()) != header.crc)
    return nullptr;
  return readerOf(kj::mv(words));
}

kj::Own<capnp::MessageReader> DetachedFiles::readerOf(kj::Array<capnp::word> message) {
  capnp::ReaderOptions options;
  // The keeper reads the message again and again, which a limit would count.
  options.traversalLimitInWords = UINT64_MAX;
  return kj::heap<StoredMessage>(kj::mv(message), options);
}

kj::Maybe<kj::AutoCloseFd> DetachedFiles::lock() const {
  kj::AutoCloseFd fd(open(kj::str(path_, "/lock").cStr(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (fd.get() < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) return nullptr;
  return kj::mv(fd);
}

bool DetachedFiles::claim() const {
  kj::AutoCloseFd fd(
      open(kj::str(path_, "/claim").cStr(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return fd.get() >= 0;
}

bool DetachedFiles::isClaimed() const {
  return access(kj::str(path_, "/claim").cStr(), F_OK) == 0;
}

bool DetachedFiles::exists() const {
  return access(path_.cStr(), F_OK) == 0;
}

void DetachedFiles::remove() const {
  removeBelow(spool());
  rmdir(spool().cStr());
  removeBelow(path_);
  rmdir(path_.cStr());
}

}  // namespace nodeagent::exec
