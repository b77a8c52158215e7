// A volume mounted on a client for the length of a scope, and work done on it.
#pragma once

#include <chrono>
#include <string>

#include <muster/muster.h>

#include "tests_d/glusterfs/volume.h"

namespace gluster {

// A FUSE mount. The destructor unmounts it lazily, so that a dead client or a volume that hangs
// does not keep it; what is left then fails the test.
class Mount {
 public:
  // `client` is borrowed for the object's life. std::runtime_error with the client's text if the
  // volume cannot be mounted. Any server gives the volume's description if the first one is away.
  Mount(const muster::Node& client, const Volume& volume, Where where = Where::current());
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  const muster::Node& client() const { return client_; }
  const std::string& directory() const { return directory_; }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  // The process that serves the mount, on the client.
  int pid(Where where = Where::current()) const;

  // Writes `bytes` random bytes to a file and to the disks, and gives their digest, taken from what
  // was written and not from the mount. std::runtime_error if that does not work.
  std::string writeRandom(const std::string& name, int kibibytes,
                          Where where = Where::current()) const;

  // Tries to write and sync a small file. For writes that a test expects to fail or to wait.
  muster::Result tryWrite(const std::string& name, std::chrono::nanoseconds within,
                          Where where = Where::current()) const;

 private:
  const muster::Node& client_;
  std::string directory_;
};

// Writes files of 64 KiB, each synced, over and over in one directory of a mount, until it is
// stopped or a write fails.
class Writer {
 public:
  // Makes the directory. `mount` is borrowed for the object's life.
  Writer(const Mount& mount, const std::string& directory, Where where = Where::current());

  // How many files were written and synced until now.
  int written(Where where = Where::current());

  // Waits until `files` more were written. std::runtime_error with the writer's words if it ends
  // before, or does not get so far `within`.
  void awaitMore(int files, std::chrono::nanoseconds within, Where where = Where::current());

  // Lets it finish its file. The result is a success if no write failed.
  muster::Result stop(Where where = Where::current());

 private:
  muster::Process process_;
};

}  // namespace gluster
