#include "tests_d/muster/robustness/shared_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

namespace robustness {

void* mapShared(const std::string& path, size_t bytes) {
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool sized = fd >= 0 && ftruncate(fd, static_cast<off_t>(bytes)) == 0;
  void* memory =
      sized ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (fd >= 0) close(fd);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot share memory by " + path);
  return memory;
}

}  // namespace robustness
