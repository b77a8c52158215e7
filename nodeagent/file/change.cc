#include "nodeagent/file/change.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "nodeagent/file/view.h"
#include "schema/support/base/file_metadata.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

// Bounds the depth of a removal, because each level keeps a descriptor open.
constexpr size_t kRemoveDepthMax = 512;

// Opens for appending without waiting for the reader of a fifo or waking a device.
kj::AutoCloseFd openForAppend(const Place& place, bool& created) {
  KJ_IF_MAYBE (status, statusAt(place)) {
    if (!S_ISREG(status->st_mode)) {
      support::fail(Kind::INVALID, "append to ", quoted(place.path), ": is ",
                    typeText(status->st_mode), ", not a regular file");
    }
  }
  constexpr int kFlags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int descriptor = ::openat(place.directory, place.name.cStr(), kFlags);
  if (descriptor < 0 && errno == ENOENT) {
    descriptor = ::openat(place.directory, place.name.cStr(), kFlags | O_CREAT | O_EXCL, 0644);
    created = descriptor >= 0;
    // The keeper's umask may be stricter.
    if (created) ::fchmod(descriptor, 0644);
  }
  if (descriptor < 0) support::failErrno(errno, "append to ", quoted(place.path));
  return kj::AutoCloseFd(descriptor);
}

// Writes at the end, and takes back its bytes if not all of them can be written. It does not if the
// file's size shows that another process wrote behind them.
void writeAtEnd(int descriptor, kj::ArrayPtr<const kj::byte> bytes, uint64_t size,
                kj::StringPtr path) {
  uint64_t before = size;
  while (bytes.size() > 0) {
    ssize_t count = ::write(descriptor, bytes.begin(), bytes.size());
    if (count > 0) {
      bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
      size += static_cast<uint64_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    int error = count == 0 ? EIO : errno;
    struct stat status;
    bool ours = ::fstat(descriptor, &status) == 0 && static_cast<uint64_t>(status.st_size) == size;
    bool undone =
        size == before || (ours && ::ftruncate(descriptor, static_cast<off_t>(before)) == 0);
    support::failErrno(error, "append to ", quoted(path), undone ? "" : " (a part was written)");
  }
}

void removeTree(int directory, kj::StringPtr name, kj::StringPtr path, size_t depth);

void removeContents(kj::AutoCloseFd directory, kj::StringPtr path, size_t depth) {
  kj::AutoCloseFd forNames(openAt(directory, ".", O_RDONLY | O_DIRECTORY, 0));
  if (forNames.get() < 0) support::failErrno(-forNames.get(), "remove ", quoted(path));
  for (auto& name : sortedNames(kj::mv(forNames), path)) {
    removeTree(directory, name, join(path, name), depth);
  }
}

void removeTree(int directory, kj::StringPtr name, kj::StringPtr path, size_t depth) {
  if (::unlinkat(directory, name.cStr(), 0) == 0 || errno == ENOENT) return;
  // unlink of a directory fails with EISDIR on Linux, and with EPERM on file systems that follow
  // POSIX.
  if (errno != EISDIR && errno != EPERM) support::failErrno(errno, "remove ", quoted(path));
  int unlinkError = errno;
  if (depth > kRemoveDepthMax) {
    support::fail(Kind::INVALID, "remove ", quoted(path), ": deeper than ", kRemoveDepthMax,
                  " levels");
  }
  int descriptor = openBelow(directory, name);
  if (descriptor == -EXDEV)
    support::failErrno(EXDEV, "remove ", quoted(path), ": is a mount point");
  if (descriptor == -ENOTDIR) support::failErrno(unlinkError, "remove ", quoted(path));
  if (descriptor < 0) support::failErrno(-descriptor, "remove ", quoted(path));
  removeContents(kj::AutoCloseFd(descriptor), path, depth + 1);
  if (::unlinkat(directory, name.cStr(), AT_REMOVEDIR) < 0 && errno != ENOENT) {
    support::failErrno(errno, "remove ", quoted(path));
  }
}

bool isRoot(const struct stat& status) {
  struct stat root;
  return ::stat("/", &root) == 0 && root.st_dev == status.st_dev && root.st_ino == status.st_ino;
}

}  // namespace

uint64_t append(kj::StringPtr path, uint64_t offset, kj::ArrayPtr<const kj::byte> bytes) {
  Place place = placeOf(path);
  bool created = false;
  kj::AutoCloseFd file = openForAppend(place, created);
  struct stat status;
  if (::fstat(file, &status) < 0) support::failErrno(errno, "stat ", quoted(path));
  if (!S_ISREG(status.st_mode))
    support::fail(Kind::INVALID, "append to ", quoted(path), ": not a regular file");
  uint64_t size = static_cast<uint64_t>(status.st_size);
  // Bytes are missing before these. A file that this call made goes again.
  if (size < offset) {
    if (created) ::unlinkat(place.directory, place.name.cStr(), 0);
    support::fail(Kind::CORRUPT, "append to ", quoted(path), " at ", offset, ": it has ", size,
                  " bytes");
  }
  // Bytes that are there already came by the same request, sent twice, or else the file is another.
  size_t present = static_cast<size_t>(kj::min(size - offset, bytes.size()));
  auto there = kj::heapArray<kj::byte>(present);
  if (readFully(file, offset, there, path) != present || there.asPtr() != bytes.slice(0, present)) {
    support::fail(Kind::CORRUPT, "append to ", quoted(path), " at ", offset, ": it has ", size,
                  " bytes, and other ones there");
  }
  if (present == bytes.size()) return size;
  writeAtEnd(file, bytes.slice(present, bytes.size()), size, path);
  return offset + bytes.size();
}

MadeDirectory makeDirectory(kj::StringPtr path, uint32_t mode, Parents parents) {
  requireMode(mode);
  MadeDirectory result;
  if (parents == Parents::kMade) result.parents = makeParents(path);
  struct stat status;
  if (path == "/") return result;
  Place place = placeOf(path);
  if (::mkdirat(place.directory, place.name.cStr(), 0700) == 0) {
    result.created = true;
    // The mode is set only now, because mkdirat would cut it by the umask and ignore setuid and
    // setgid.
    if (::fchmodat(place.directory, place.name.cStr(), mode, 0) < 0) {
      int error = errno;
      ::unlinkat(place.directory, place.name.cStr(), AT_REMOVEDIR);
      support::failErrno(error, "set mode of ", quoted(path));
    }
  } else if (errno != EEXIST) {
    support::failErrno(errno, "make directory ", quoted(path));
  }
  if (::fstatat(place.directory, place.name.cStr(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
    support::failErrno(errno, "stat ", quoted(path));
  }
  if (!S_ISDIR(status.st_mode)) {
    support::fail(Kind::CONFLICT, "make directory ", quoted(path), ": ", typeText(status.st_mode),
                  " is there");
  }
  result.device = status.st_dev;
  result.inode = status.st_ino;
  return result;
}

bool removeAt(int directory, kj::StringPtr name, kj::StringPtr path, RemoveWhat what) {
  struct stat status;
  if (::fstatat(directory, name.cStr(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT) return false;
    support::failErrno(errno, "remove ", quoted(path));
  }
  if (isRoot(status))
    support::fail(Kind::INVALID, "remove ", quoted(path), ": is the root of the file system");
  if (S_ISDIR(status.st_mode) && what == RemoveWhat::kTree) {
    removeTree(directory, name, path, 1);
  } else if (::unlinkat(directory, name.cStr(), S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0) < 0 &&
             errno != ENOENT) {
    support::failErrno(errno, "remove ", quoted(path));
  }
  return true;
}

bool remove(kj::StringPtr path, RemoveWhat what) {
  struct stat status;
  // A missing parent, or one that is no directory, means that nothing is there.
  if (::fstatat(AT_FDCWD, path.cStr(), &status, AT_SYMLINK_NOFOLLOW) < 0 &&
      (errno == ENOENT || errno == ENOTDIR)) {
    return false;
  }
  Place place = placeOf(path);
  return removeAt(place.directory, place.name, path, what);
}

void rename(kj::StringPtr source, kj::StringPtr target, Replace replace) {
  Place from = placeOf(source);
  Place to = placeOf(target);
  renameAt(from.directory, from.name, to.directory, to.name, replace, {from.path, to.path});
}

void setMode(kj::StringPtr path, uint32_t mode) {
  requireMode(mode);
  if (::chmod(path.cStr(), mode) < 0) support::failErrno(errno, "set mode of ", quoted(path));
}

void setOwner(kj::StringPtr path, kj::StringPtr user, kj::StringPtr group, SymlinkPolicy links) {
  uid_t uid = userNumber(user);
  gid_t gid = groupNumber(group);
  int flags = links == SymlinkPolicy::kKeep ? AT_SYMLINK_NOFOLLOW : 0;
  if (::fchownat(AT_FDCWD, path.cStr(), uid, gid, flags) < 0) {
    support::failErrno(errno, "set owner of ", quoted(path));
  }
}

void setTimes(kj::StringPtr path, int64_t accessedNs, int64_t modifiedNs) {
  struct timespec accessed[] = {support::timespecOf(accessedNs), {0, UTIME_OMIT}};
  if (::utimensat(AT_FDCWD, path.cStr(), accessed, AT_SYMLINK_NOFOLLOW) < 0) {
    support::failErrno(errno, "set times of ", quoted(path));
  }
  setModified(AT_FDCWD, path.cStr(), modifiedNs, path);
}

int makeAt(const Place& place, Displaces displaces, Replace replace,
           kj::Maybe<const TemporaryNotes&> notes, kj::FunctionParam<int(kj::StringPtr)> make) {
  if (make(place.name) == 0) return 0;
  if (errno != EEXIST || replace == Replace::kNever) return errno;
  bool isSpecial = false;
  KJ_IF_MAYBE (existing, statusAt(place)) {
    isSpecial =
        !S_ISREG(existing->st_mode) && !S_ISLNK(existing->st_mode) && !S_ISDIR(existing->st_mode);
  }
  if (!isSpecial || displaces == Displaces::kNothingElse) requireReplaceable(place, replace);
  TemporaryName temporary(place, notes);
  kj::StringPtr name = temporary.name();
  if (make(name) < 0) return errno;
  // The name is removed after success too, because rename(2) leaves both names if they are the same
  // file already.
  KJ_DEFER(::unlinkat(place.directory, name.cStr(), 0));
  renameAt(place.directory, name, place.directory, place.name, Replace::kExisting,
           {name, place.path});
  return 0;
}

void linkAt(const Place& place, kj::StringPtr target, LinkType type, Replace replace,
            kj::Maybe<const TemporaryNotes&> notes) {
  int error = makeAt(place, Displaces::kNothingElse, replace, notes, [&](kj::StringPtr name) {
    return type == LinkType::kSymbolic
               ? ::symlinkat(target.cStr(), place.directory, name.cStr())
               : ::linkat(AT_FDCWD, target.cStr(), place.directory, name.cStr(), 0);
  });
  if (error != 0) support::failErrno(error, "link ", quoted(place.path), " to ", quoted(target));
}

void link(kj::StringPtr path, kj::StringPtr target, LinkType type, Replace replace,
          kj::Maybe<const TemporaryNotes&> notes) {
  linkAt(placeOf(path), target, type, replace, notes);
}

}  // namespace nodeagent::file
