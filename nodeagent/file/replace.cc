#include "nodeagent/file/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "schema/support/base/block_digest.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

constexpr uint32_t kModeMask = 07777;
// The smallest hole that file systems keep.
constexpr size_t kHoleBytes = 4096;

// The attributes that keep a replaced file accessible to the same people. Others belong to its
// content.
constexpr const char* kSecurityAttributes[] = {"system.posix_acl_access", "security.selinux"};

}  // namespace

void requireMode(uint32_t mode) {
  if ((mode & ~kModeMask) == 0) return;
  char octal[16];
  snprintf(octal, sizeof octal, "0%o", mode);
  support::fail(Kind::INVALID, "mode ", kj::StringPtr(octal), ": has bits beyond 07777");
}

Owner ownerOf(const WriteOptions& options) {
  return {userNumber(options.user), groupNumber(options.group)};
}

kj::Maybe<const TemporaryNotes&> notesOf(const WriteOptions& options) {
  KJ_IF_MAYBE (notes, options.notes) return **notes;
  return nullptr;
}

kj::Maybe<struct stat> statusAt(const Place& place) {
  struct stat status;
  if (::fstatat(place.directory, place.name.cStr(), &status, AT_SYMLINK_NOFOLLOW) == 0)
    return status;
  if (errno == ENOENT) return nullptr;
  support::failErrno(errno, "stat ", quoted(place.path));
}

kj::Maybe<struct stat> requireReplaceable(const Place& place, Replace replace) {
  auto found = statusAt(place);
  KJ_IF_MAYBE (existing, found) {
    if (replace == Replace::kNever) {
      support::fail(Kind::CONFLICT, "write ", quoted(place.path),
                    ": exists and must not be replaced");
    }
    if (!S_ISREG(existing->st_mode) && !S_ISLNK(existing->st_mode)) {
      support::fail(Kind::CONFLICT, "write ", quoted(place.path), ": is ",
                    typeText(existing->st_mode));
    }
  }
  return found;
}

void renameAt(int sourceDirectory, kj::StringPtr source, int targetDirectory, kj::StringPtr target,
              Replace replace, const RenameNames& names) {
  unsigned flags = replace == Replace::kNever ? RENAME_NOREPLACE : 0;
  if (::renameat2(sourceDirectory, source.cStr(), targetDirectory, target.cStr(), flags) == 0)
    return;
  int error = errno;
  // The file system knows no flags. A link does not replace either, but there is none to a
  // directory.
  if (flags != 0 && error == EINVAL &&
      ::linkat(sourceDirectory, source.cStr(), targetDirectory, target.cStr(), 0) == 0) {
    ::unlinkat(sourceDirectory, source.cStr(), 0);
    return;
  }
  if (flags != 0 && error == EINVAL) error = errno == EPERM ? EOPNOTSUPP : errno;
  if (error == EBUSY) {
    support::failErrno(error, "rename ", quoted(names.source), " to ", quoted(names.target),
                       ", perhaps a mount point, where a file can only be written in place");
  }
  support::failErrno(error, "rename ", quoted(names.source), " to ", quoted(names.target));
}

void syncDirectory(int directory, kj::StringPtr path) {
  kj::AutoCloseFd readable(openAt(directory, ".", O_RDONLY | O_DIRECTORY, 0));
  if (readable.get() < 0)
    support::failErrno(-readable.get(), "sync the directory of ", quoted(path));
  // EINVAL comes from a file system that has nothing to sync.
  if (::fsync(readable) < 0 && errno != EINVAL)
    support::failErrno(errno, "sync the directory of ", quoted(path));
}

StagedFile::StagedFile(Place place, kj::Maybe<const TemporaryNotes&> notes)
    : place_(kj::mv(place)) {
  KJ_IF_MAYBE (given, notes) notes_ = kj::atomicAddRef(*given);
  // A file without a name vanishes with its descriptor, so that not even a kill leaves anything
  // behind. Not every file system can make one.
  int descriptor = openAt(place_.directory, ".", O_TMPFILE | O_RDWR, 0);
  if (descriptor == -EOPNOTSUPP || descriptor == -EISDIR || descriptor == -EINVAL) {
    temporary_ = TemporaryName(place_, notes);
    open(kj::str(temporary_.name()));
  } else if (descriptor < 0) {
    support::failErrno(-descriptor, "write ", quoted(place_.path));
  } else {
    file_ = kj::AutoCloseFd(descriptor);
  }
}

StagedFile::StagedFile(Place place, kj::String name) : place_(kj::mv(place)) {
  open(kj::mv(name));
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : place_(kj::mv(other.place_)),
      file_(kj::mv(other.file_)),
      name_(kj::mv(other.name_)),
      notes_(kj::mv(other.notes_)),
      temporary_(kj::mv(other.temporary_)) {
  other.name_ = nullptr;
}

StagedFile::~StagedFile() {
  if (name_.size() > 0) ::unlinkat(place_.directory, name_.cStr(), 0);
}

void StagedFile::open(kj::String name) {
  int descriptor = ::openat(place_.directory, name.cStr(),
                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0)
    support::failErrno(errno, "write ", quoted(place_.path), ": create ", quoted(name));
  file_ = kj::AutoCloseFd(descriptor);
  name_ = kj::mv(name);
}

void StagedFile::reserve(uint64_t size) {
  if (size == 0) return;
  if (size > static_cast<uint64_t>(INT64_MAX)) {
    support::fail(Kind::INVALID, "write ", quoted(place_.path), ": ", size,
                  " bytes are more than a file can hold");
  }
  int result;
  do {
    result = ::fallocate(file_, 0, 0, static_cast<off_t>(size));
  } while (result < 0 && errno == EINTR);
  if (result < 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    support::failErrno(errno, "write ", quoted(place_.path), ": reserve ", size, " bytes");
  }
}

void StagedFile::write(kj::ArrayPtr<const kj::byte> bytes, uint64_t offset) {
  while (bytes.size() > 0) {
    ssize_t count = ::pwrite(file_, bytes.begin(), bytes.size(), static_cast<off_t>(offset));
    if (count > 0) {
      bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
      offset += static_cast<uint64_t>(count);
    } else if (count == 0 || errno != EINTR) {
      support::failErrno(count == 0 ? EIO : errno, "write ", quoted(place_.path), " at ", offset);
    }
  }
}

void StagedFile::extend(uint64_t size) {
  if (size > static_cast<uint64_t>(INT64_MAX)) {
    support::fail(Kind::INVALID, "write ", quoted(place_.path), ": ", size,
                  " bytes are more than a file can hold");
  }
  if (::ftruncate(file_, static_cast<off_t>(size)) < 0) {
    support::failErrno(errno, "write ", quoted(place_.path), ": extend to ", size, " bytes");
  }
}

void StagedFile::writeSparse(kj::ArrayPtr<const kj::byte> bytes, uint64_t offset) {
  while (bytes.size() > 0) {
    size_t size = kj::min(bytes.size(), kHoleBytes - static_cast<size_t>(offset % kHoleBytes));
    auto block = bytes.slice(0, size);
    if (!support::isZeros(block)) write(block, offset);
    bytes = bytes.slice(size, bytes.size());
    offset += size;
  }
}

void StagedFile::setExtras(const WriteOptions& options) {
  if (options.exactAttributes) {
    setExactAttributes(file_, options.attributes, place_.path);
  } else {
    setAttributes(file_, options.attributes, place_.path);
  }
  KJ_IF_MAYBE (ns, options.modifiedNs) setModified(file_, nullptr, *ns, place_.path);
}

void StagedFile::copySecurity() {
  kj::String from = viaDescriptor(place_.directory, place_.name);
  for (const char* name : kSecurityAttributes) {
    kj::byte value[4096];
    ssize_t size = ::lgetxattr(from.cStr(), name, value, sizeof value);
    if (size <= 0) continue;
    if (::fsetxattr(file_, name, value, static_cast<size_t>(size), 0) < 0 && errno != EOPNOTSUPP) {
      support::failErrno(errno, "write ", quoted(place_.path), ": keep attribute ", name);
    }
  }
}

void StagedFile::dress(const WriteOptions& options, Owner owner,
                       const kj::Maybe<struct stat>& existing) {
  auto& [user, group] = owner;
  uint32_t mode = options.mode;
  bool copies = false;
  KJ_IF_MAYBE (status, existing) {
    if (S_ISREG(status->st_mode)) {
      if (user == kUnchangedId) user = status->st_uid;
      if (group == kUnchangedId) group = status->st_gid;
      if (options.keepMode) mode = status->st_mode & kModeMask;
      copies = options.keepMode;
    }
  }
  struct stat current;
  if (::fstat(file_, &current) < 0) support::failErrno(errno, "stat ", quoted(place_.path));
  bool foreign = (user != kUnchangedId && user != current.st_uid) ||
                 (group != kUnchangedId && group != current.st_gid);
  if (foreign && ::fchown(file_, user, group) < 0) {
    support::failErrno(errno, "set owner of ", quoted(place_.path));
  }
  // The mode comes after the owner, whose change clears setuid, and before the ACL, whose mask it
  // would change.
  if (::fchmod(file_, mode) < 0) support::failErrno(errno, "set mode of ", quoted(place_.path));
  if (copies) copySecurity();
  setExtras(options);
}

int StagedFile::linkInto(kj::StringPtr name) {
  // Linking by descriptor needs a capability; the way by /proc needs /proc.
  if (::linkat(file_, "", place_.directory, name.cStr(), AT_EMPTY_PATH) == 0) return 0;
  if (errno != ENOENT && errno != EPERM) return errno;
  kj::String via = kj::str("/proc/self/fd/", file_.get());
  return ::linkat(AT_FDCWD, via.cStr(), place_.directory, name.cStr(), AT_SYMLINK_FOLLOW) == 0
             ? 0
             : errno;
}

void StagedFile::moveIn(Replace replace) {
  if (name_.size() == 0) {
    // A new file, or one that must be new, needs no second step. If another process was first, the
    // link fails and says so.
    int error = linkInto(place_.name);
    if (error == 0) return;
    if (error != EEXIST || replace == Replace::kNever) {
      support::failErrno(error, "write ", quoted(place_.path));
    }
    kj::Maybe<const TemporaryNotes&> notes;
    KJ_IF_MAYBE (given, notes_) notes = **given;
    // link(2) does not replace, and rename(2) needs a name. So the file gets a temporary name, and
    // takes the target's by rename.
    TemporaryName temporary(place_, notes);
    error = linkInto(temporary.name());
    if (error != 0) support::failErrno(error, "write ", quoted(place_.path));
    name_ = kj::str(temporary.name());
    temporary_ = kj::mv(temporary);
  }
  renameAt(place_.directory, name_, place_.directory, place_.name, replace, {name_, place_.path});
  name_ = nullptr;
  temporary_ = TemporaryName();
}

struct stat StagedFile::publish(const WriteOptions& options, const Owner& owner) {
  requireMode(options.mode);
  // Owner, mode, attributes and content are complete, and on the disk if asked, before the name
  // changes. A reader or a crash never meets a half-made file.
  dress(options, owner, requireReplaceable(place_, options.replace));
  if (options.sync && ::fsync(file_) < 0) support::failErrno(errno, "sync ", quoted(place_.path));
  moveIn(options.replace);
  if (options.sync) syncDirectory(place_.directory, place_.path);
  struct stat status;
  if (::fstat(file_, &status) < 0) support::failErrno(errno, "stat ", quoted(place_.path));
  return status;
}

Target prepareTarget(kj::StringPtr path, const WriteOptions& options) {
  requireMode(options.mode);
  Owner owner = ownerOf(options);
  if (path.endsWith("/"))
    support::fail(Kind::INVALID, "write ", quoted(path), ": names a directory");
  MadeDirectories parents;
  if (options.parents) parents = makeParents(path);
  Place place = placeOf(path);
  requireReplaceable(place, options.replace);
  return {owner, kj::mv(parents), kj::mv(place)};
}

FileStat writeFile(kj::StringPtr path, kj::ArrayPtr<const kj::byte> bytes,
                   const WriteOptions& options) {
  Target target = prepareTarget(path, options);
  StagedFile staged(kj::mv(target.place), notesOf(options));
  staged.write(bytes, 0);
  struct stat status = staged.publish(options, target.owner);
  target.parents.keep();
  OwnerNames names;
  return describe(status, names);
}

}  // namespace nodeagent::file
