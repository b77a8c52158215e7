#include "schema/support/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

#include "schema/support/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;

constexpr off_t kFileBytesMax = 1 << 20;

template <typename... Params>
[[noreturn]] void refuse(const std::string& path, const char* what, Params&&... params) {
  fail(Kind::INVALID, what, " ", path.c_str(), ": ", kj::fwd<Params>(params)...);
}

}  // namespace

std::string readTrustedFile(const std::string& path, const char* what, FileCheck check,
                            FileSecrecy secrecy) {
  // Non-blocking, or a FIFO in this place would hold us for ever.
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 && errno == ENOENT) failErrno(errno, what, " ", path.c_str());
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
      refuse(path, what, "mode ", mode, " lets others ",
             secrecy == FileSecrecy::kSecret ? "at it; 0600 is right" : "write it; 0644 is right");
    }
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    ssize_t count = read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(path, what, errnoText(errno));
    if (count == 0 || text.size() > static_cast<size_t>(kFileBytesMax)) return text;
    text.append(buffer, count);
  }
}

}  // namespace support
