// A file system that does not answer, as one over a dead network.
//
// It is served by a thread of the test through /dev/fuse. Below its directory there are
//
//   file      a file whose reads give zeroes and whose writes are never answered
//   program   an executable file whose reads are never answered
//   lost*     names that never say whether there is anything
//
// Its size is never told either. Opened with O_SYNC, `file` is not cached, so its mmap waits for
// what another mapping has to write, and holds the lock of the process's memory meanwhile.
#pragma once

#include <linux/fuse.h>

#include <string>
#include <thread>

namespace robustness {

class HungMount {
 public:
  // Tells whether this machine lets us serve a file system.
  static bool available();

  // Makes and mounts the directory. Throws std::runtime_error.
  explicit HungMount(std::string path);

  // Lets everything that hangs fail, and unmounts.
  ~HungMount();
  HungMount(const HungMount&) = delete;
  HungMount& operator=(const HungMount&) = delete;

  const std::string& path() const { return path_; }

 private:
  void serve();
  void answer(const fuse_in_header& request, const char* arguments);

  std::string path_;
  int device_ = -1;
  int stop_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace robustness
