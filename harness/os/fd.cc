#include "harness/os/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "harness/os/error.h"

namespace harness {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    number_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Pipe makePipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

void writeAll(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    check(count, "write " + what);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace harness
