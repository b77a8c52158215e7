#include "schema/support/base/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

#include "schema/support/base/id.h"
#include "schema/support/base/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;

constexpr off_t kFileBytesMax = 1 << 20;

template <typename... Params>
[[noreturn]] void refuse(const std::string& path, const char* what, Params&&... params) {
  fail(Kind::INVALID, what, " ", path.c_str(), ": ", kj::fwd<Params>(params)...);
}

std::string directoryOf(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

[[noreturn]] void refuseWrite(const std::string& path, int errorNumber) {
  throw FileError("write " + path + ": " + errnoText(errorNumber).cStr());
}

void writeAll(int file, const std::string& path, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    ssize_t count = write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuseWrite(path, errno);
    done += static_cast<size_t>(count);
  }
}

}  // namespace

std::string whyUnsafe(const std::string& directory) {
  char resolved[PATH_MAX];
  if (realpath(directory.c_str(), resolved) == nullptr) {
    return directory + ": " + errnoText(errno).cStr();
  }
  // Every directory up to the root counts: a user who may rename one of them can put another file
  // in this place.
  for (std::string path = resolved;; path = directoryOf(path)) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return path + ": " + errnoText(errno).cStr();
    if (!S_ISDIR(status.st_mode)) return path + ": is not a directory";
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
      return path + " belongs to uid " + std::to_string(status.st_uid) +
             ", who could replace its files; it must be root's or our own";
    }
    if ((status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0) {
      return path + " can be written by others, who could replace its files; chmod go-w " + path;
    }
    if (path == "/") return "";
  }
}

void writeTrustedFile(const std::string& path, const std::string& text, mode_t mode,
                      Overwrite overwrite) {
  std::string reason = whyUnsafe(directoryOf(path));
  if (!reason.empty()) throw FileError("write " + path + ": " + reason);
  // The bytes go to a temporary file first, and reach the disk before the name changes. A crash in
  // between leaves the old file.
  std::string temporary = path + ".tmp-" + Id::random().text();
  int descriptor =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) refuseWrite(path, errno);
  kj::AutoCloseFd file(descriptor);
  try {
    writeAll(file, path, text);
    if (fchmod(file, mode) != 0 || fsync(file) != 0) refuseWrite(path, errno);
    // rename replaces; link fails if there is a file, without a race between a look and the act.
    int result = overwrite == Overwrite::kYes ? rename(temporary.c_str(), path.c_str())
                                              : link(temporary.c_str(), path.c_str());
    if (result != 0) refuseWrite(path, errno);
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  if (overwrite == Overwrite::kNever) unlink(temporary.c_str());
  // The name too should outlive a power cut. The file is in place already, so a failure is not
  // reported.
  kj::AutoCloseFd directory(open(directoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) fsync(directory);
}

std::string readTrustedFile(const std::string& path, const char* what, FileCheck check,
                            FileSecrecy secrecy) {
  // The file is opened non-blocking, because a FIFO in its place would hold us for ever.
  int noLink = check == FileCheck::kStrict ? O_NOFOLLOW : 0;
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | noLink);
  if (descriptor < 0 && errno == ENOENT) failErrno(errno, what, " ", path.c_str());
  if (descriptor < 0 && errno == ELOOP) {
    refuse(path, what, "is a symbolic link; name the file itself");
  }
  if (descriptor < 0) refuse(path, what, errnoText(errno));
  kj::AutoCloseFd file(descriptor);
  struct stat status;
  KJ_SYSCALL(fstat(file, &status));
  if (!S_ISREG(status.st_mode)) refuse(path, what, "not a regular file");
  if (status.st_size > kFileBytesMax) refuse(path, what, "larger than 1 MiB");
  if (check == FileCheck::kStrict) {
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
      refuse(path, what, "owned by uid ", status.st_uid, "; it must be root's or our own");
    }
    if ((status.st_mode & (secrecy == FileSecrecy::kSecret ? 077 : 022)) != 0) {
      char mode[8];
      snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
      refuse(
          path, what, "mode ", mode, " lets others ",
          secrecy == FileSecrecy::kSecret ? "access it; 0600 is right" : "write it; 0644 is right");
    }
    std::string reason = whyUnsafe(directoryOf(path));
    if (!reason.empty()) refuse(path, what, reason.c_str());
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    ssize_t count = read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(path, what, errnoText(errno));
    // The file may grow while it is read, so the size that was checked bounds nothing.
    if (count == 0 || text.size() > static_cast<size_t>(kFileBytesMax)) return text;
    text.append(buffer, count);
  }
}

}  // namespace support
