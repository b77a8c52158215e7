// A control group with one limit, for an agent and all that it starts: the memory or the processes
// of a machine that has few.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace faults {

class ControlGroup {
 public:
  enum class Limit { kMemoryBytes, kProcesses };

  // Whether this machine has the controller, in either version, where we may use it.
  static bool available(Limit limit);

  // Throws std::runtime_error.
  ControlGroup(Limit limit, const std::string& name, uint64_t value);

  // Moves what is in it out again.
  ~ControlGroup();
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  // With what it starts from now on.
  void add(pid_t pid);
  void setLimit(uint64_t value);

  // How much of it is used.
  uint64_t used() const;

 private:
  Limit limit_;
  std::string parent_;
  std::string path_;
};

}  // namespace faults
