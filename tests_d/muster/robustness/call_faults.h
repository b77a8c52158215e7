// The trial's side of call_control.h: makes the memory that the agent reads, and names what it
// found there.
#pragma once

#include <string>
#include <vector>

#include "tests_d/muster/robustness/call_control.h"

namespace faults {

class CallFaults {
 public:
  // The file is made in `directory`, which outlives the object. Throws std::runtime_error.
  explicit CallFaults(const std::string& directory);
  ~CallFaults();
  CallFaults(const CallFaults&) = delete;
  CallFaults& operator=(const CallFaults&) = delete;

  // For Agent::Options.
  const std::string& path() const { return path_; }

  CallControl& control() { return *control_; }

  // Forgets counts and wishes; for the agent's next start.
  void reset();

  // Where effects were made so far.
  struct Site {
    uint64_t caller = 0;
    uint64_t count = 0;
    std::string name;
  };
  std::vector<Site> sites() const;

  // The process dies at the `occurrence`th call from now at that site.
  enum class When { kBefore, kAfter };
  void killAt(const Site& site, uint64_t occurrence, When when);

 private:
  std::string path_;
  CallControl* control_ = nullptr;
};

}  // namespace faults
