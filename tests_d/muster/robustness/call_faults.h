// The trial's side of call_control.h, which makes the shared memory and lists the call sites that
// the agent found.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tests_d/muster/robustness/call_control.h"

namespace robustness {

class CallFaults {
 public:
  // Makes the file in `directory`, which outlives the object. Throws std::runtime_error.
  explicit CallFaults(const std::string& directory);
  ~CallFaults();
  CallFaults(const CallFaults&) = delete;
  CallFaults& operator=(const CallFaults&) = delete;

  // The file's path, for Agent::Options.
  const std::string& path() const { return path_; }

  CallControl& control() { return *control_; }

  // Forgets counts and requests before the agent's next start.
  void reset();

  // Makes the disk below `directory` slow or, at a pause below zero, hang. A pause of zero ends
  // that.
  void slowDown(const std::string& directory, std::chrono::nanoseconds pause);

  // One place where the agent has made an effect so far.
  struct Site {
    uint64_t caller = 0;
    uint64_t count = 0;
    std::string name;
  };
  std::vector<Site> sites() const;

  // Lets the process die at the `occurrence`th call from now at that site.
  enum class When { kBefore, kAfter };
  void killAt(const Site& site, uint64_t occurrence, When when);

 private:
  std::string path_;
  CallControl* control_ = nullptr;
};

}  // namespace robustness
