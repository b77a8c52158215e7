// Groups of processes in the unified (version 2) control group hierarchy. Limits are not set here.
#pragma once

#include <string>

#include "harness/os/fd.h"
#include "harness/os/wait.h"

namespace harness {

// Returns the mount point of cgroup2. Empty: there is none, so that nodes have no group and cannot
// be frozen.
std::string cgroupRoot();

// One group, which make() makes and which destruction leaves in place.
class Cgroup {
 public:
  explicit Cgroup(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool exists() const;
  void make();
  // Returns a descriptor by which a process can be started in the group.
  Fd open() const;

  // These two return when every process in the group and below has stopped or goes on. They throw
  // at `deadline`.
  void freeze(Deadline deadline);
  void thaw(Deadline deadline);

  // Kills the processes in the group and below, waits until they are gone, and removes all of these
  // groups.
  void removeWithProcesses(Deadline deadline);

 private:
  void await(const std::string& event, Deadline deadline, const std::string& attempt);

  std::string path_;
};

}  // namespace harness
