#include "nodeagent/os/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <kj/io.h>
#include <kj/vector.h>

namespace nodeagent {

kj::String readAll(int fd, size_t bytesMax) {
  kj::Vector<char> content;
  char buffer[4096];
  while (content.size() < bytesMax) {
    ssize_t count = pread(fd, buffer, sizeof(buffer), static_cast<off_t>(content.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    content.addAll(buffer, buffer + count);
  }
  return kj::heapString(content.begin(), content.size());
}

kj::String readFile(kj::StringPtr path, size_t bytesMax) {
  kj::AutoCloseFd fd(open(path.cStr(), O_RDONLY | O_CLOEXEC));
  return fd.get() < 0 ? kj::String() : readAll(fd, bytesMax);
}

}  // namespace nodeagent
