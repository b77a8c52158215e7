#include "nodeagent/change/edit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <memory>

#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kFileBytesMax = 1 << 20;

void writeAll(int fd, kj::StringPtr content, kj::StringPtr path) {
  for (kj::StringPtr rest = content; rest.size() > 0;) {
    ssize_t count = ::write(fd, rest.begin(), rest.size());
    if (count < 0) support::failErrno(errno, "write ", path);
    rest = rest.slice(static_cast<size_t>(count));
  }
}

// The label of SELinux is one of these.
void copyAttributes(int source, int target) {
  char names[4096];
  ssize_t count = ::flistxattr(source, names, sizeof names);
  for (ssize_t at = 0; at < count; at += static_cast<ssize_t>(strlen(names + at)) + 1) {
    char value[4096];
    ssize_t bytes = ::fgetxattr(source, names + at, value, sizeof value);
    // What cannot be copied stays as the directory gives it.
    if (bytes >= 0) ::fsetxattr(target, names + at, value, static_cast<size_t>(bytes), 0);
  }
}

// The file is at no time shorter than the shorter of both contents.
void writeInPlace(int fd, kj::StringPtr content, kj::StringPtr path) {
  if (::lseek(fd, 0, SEEK_SET) < 0) support::failErrno(errno, "write ", path);
  writeAll(fd, content, path);
  if (::ftruncate(fd, static_cast<off_t>(content.size())) < 0) {
    support::failErrno(errno, "write ", path);
  }
}

}  // namespace

void editFile(kj::StringPtr path, kj::FunctionParam<kj::String(kj::StringPtr)> edit) {
  std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.cStr(), nullptr), ::free);
  if (resolved == nullptr) support::failErrno(errno, "find ", path);
  kj::StringPtr file = resolved.get();
  kj::AutoCloseFd old(::open(file.cStr(), O_RDWR | O_CLOEXEC));
  if (old.get() < 0) support::failErrno(errno, "open ", file);
  struct stat status;
  if (::fstat(old, &status) < 0) support::failErrno(errno, "stat ", file);
  kj::String before = readAll(old, kFileBytesMax + 1);
  if (before.size() > kFileBytesMax) {
    support::fail(Kind::UNSUPPORTED, file, " has more than ", kFileBytesMax, " bytes");
  }
  // What could not be read would be lost.
  if (before.size() != static_cast<size_t>(status.st_size)) {
    support::fail(Kind::SYSTEM, file, " cannot be read, or somebody is writing it");
  }
  kj::String content = edit(before);
  kj::String temporary = kj::str(file, ".muster-new");
  if (content == before) {
    // A keeper that was killed before it replaced the file has left this.
    ::unlink(temporary.cStr());
    return;
  }
  if (content.size() > kFileBytesMax) {
    support::fail(Kind::UNSUPPORTED, file, " would have more than ", kFileBytesMax, " bytes");
  }
  kj::AutoCloseFd fresh(
      ::open(temporary.cStr(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fresh.get() < 0) support::failErrno(errno, "make ", temporary);
  KJ_ON_SCOPE_FAILURE(::unlink(temporary.cStr()));
  writeAll(fresh, content, temporary);
  if (::fchown(fresh, status.st_uid, status.st_gid) < 0 ||
      ::fchmod(fresh, status.st_mode & 07777) < 0) {
    support::failErrno(errno, "make ", temporary);
  }
  copyAttributes(old, fresh);
  if (::fsync(fresh) < 0) support::failErrno(errno, "sync ", temporary);
  if (::rename(temporary.cStr(), file.cStr()) == 0) return;
  if (errno != EBUSY && errno != EXDEV) support::failErrno(errno, "replace ", file);
  ::unlink(temporary.cStr());
  writeInPlace(old, content, file);
}

void writeNewFile(kj::StringPtr path, kj::StringPtr content, mode_t mode) {
  kj::AutoCloseFd file(
      ::open(path.cStr(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (file.get() < 0) support::failErrno(errno, "make ", path);
  KJ_ON_SCOPE_FAILURE(::unlink(path.cStr()));
  writeAll(file, content, path);
}

kj::String markOf(const support::Id& id) {
  return kj::str("# muster:", id.text().c_str());
}

kj::String withoutMarkedLines(kj::StringPtr content, const support::Id& id) {
  kj::String mark = markOf(id);
  kj::Vector<char> kept;
  for (const char* begin = content.begin(); begin < content.end();) {
    const char* end = strchr(begin, '\n');
    end = end == nullptr ? content.end() : end + 1;
    const char* found = strstr(begin, mark.cStr());
    if (found == nullptr || found >= end) kept.addAll(begin, end);
    begin = end;
  }
  return kj::heapString(kept.begin(), kept.size());
}

}  // namespace nodeagent::change
