// A volume that is mounted on a client for the length of a scope, and writers that work on it.
#pragma once

#include <chrono>
#include <string>

#include <muster/muster.h>

#include "tests_d/glusterfs/volume.h"

namespace gluster {

// A FUSE mount. The destructor unmounts it lazily, so that neither a dead client nor a volume that
// hangs can keep it. Leftovers of it fail the test.
class Mount {
 public:
  // Mounts the volume. `client` is borrowed for the object's life. If the first server is away, any
  // other one gives the volume's description. Throws std::runtime_error with the client's text if
  // the volume cannot be mounted.
  Mount(const muster::Node& client, const Volume& volume, Where where = Where::current());
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  const muster::Node& client() const { return client_; }
  const std::string& directory() const { return directory_; }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  // Returns the process on the client that serves the mount.
  int pid(Where where = Where::current()) const;

  // Writes random bytes to a file, syncs them to the disks, and returns their digest. The digest is
  // taken from the source and not from the mount. Throws std::runtime_error if a step fails.
  std::string writeRandom(const std::string& name, int kibibytes,
                          Where where = Where::current()) const;

  // Tries to write and sync a small file, for tests that expect a write to fail or to wait.
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
  // Makes the directory and begins to write. `mount` is borrowed for the object's life.
  Writer(const Mount& mount, const std::string& directory, Where where = Where::current());

  // Returns how many files have been written and synced.
  int written(Where where = Where::current());

  // Waits until `files` more have been written. Throws std::runtime_error with the writer's output
  // if the writer ends before, or if `within` passes first.
  void awaitMore(int files, std::chrono::nanoseconds within, Where where = Where::current());

  // Lets the writer finish its file. The result is a success if no write failed.
  muster::Result stop(Where where = Where::current());

 private:
  muster::Process process_;
};

}  // namespace gluster
