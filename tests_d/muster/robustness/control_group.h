// A control group that limits memory or processes for an agent and all that it starts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace robustness {

class ControlGroup {
 public:
  enum class Limit { kMemoryBytes, kProcesses };

  // Tells whether this machine has the controller, in cgroup v1 or v2, and lets us use it.
  static bool available(Limit limit);

  // Makes the group with its limit. Throws std::runtime_error.
  ControlGroup(Limit limit, const std::string& name, uint64_t value);

  // Moves its processes to the parent group and removes it.
  ~ControlGroup();
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  // Adds a process, and with it all that it starts from now on.
  void add(pid_t pid);
  void setLimit(uint64_t value);

  // The bytes or processes that count against the limit now.
  uint64_t used() const;

 private:
  Limit limit_;
  std::string parent_;
  std::string path_;
};

}  // namespace robustness
