// Groups of processes in the unified (version 2) control group hierarchy.
#pragma once

#include <string>

#include "harness/os/fd.h"
#include "harness/os/wait.h"

namespace harness {

// Where cgroup2 is mounted, or empty: then nodes have no group, and cannot be frozen.
std::string cgroupRoot();

// One group, made by the caller's word and not owned: destruction leaves it.
class Cgroup {
 public:
  explicit Cgroup(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool exists() const;
  void make();
  Fd open() const;  // For starting a process in it.

  // Returns when every process in it and below has stopped or goes on; at most `deadline`, then
  // throws.
  void freeze(Deadline deadline);
  void thaw(Deadline deadline);

  // Kills what is in it and below, waits until that is gone, and removes it with all groups below.
  void removeWithProcesses(Deadline deadline);

 private:
  void await(const std::string& event, Deadline deadline, const std::string& attempt);

  std::string path_;
};

}  // namespace harness
