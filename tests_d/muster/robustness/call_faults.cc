#include "tests_d/muster/robustness/call_faults.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "tests_d/muster/robustness/shared_file.h"

namespace robustness {

CallFaults::CallFaults(const std::string& directory)
    : path_(directory + "/calls"),
      control_(static_cast<CallControl*>(mapShared(path_, sizeof(CallControl)))) {}

CallFaults::~CallFaults() {
  munmap(control_, sizeof(CallControl));
  unlink(path_.c_str());
}

void CallFaults::reset() {
  // Shrinking the file and growing it again fills it with zeroes. Atomics have no assignment as one
  // struct.
  if (truncate(path_.c_str(), 0) != 0 || truncate(path_.c_str(), sizeof(CallControl)) != 0) {
    throw std::runtime_error("cannot truncate " + path_);
  }
}

void CallFaults::slowDown(const std::string& directory, std::chrono::nanoseconds pause) {
  if (directory.size() >= CallControl::kPathBytes)
    throw std::runtime_error("too long: " + directory);
  control_->slowNs = std::max<int64_t>(pause.count(), 0);
  control_->hangs = pause.count() < 0 ? 1 : 0;
  if (control_->slowBelow[0] == 0) std::strcpy(control_->slowBelow, directory.c_str());
}

std::vector<CallFaults::Site> CallFaults::sites() const {
  std::vector<Site> result;
  for (const CallSite& site : control_->sites) {
    if (site.caller != 0) result.push_back({site.caller, site.count, site.name});
  }
  return result;
}

void CallFaults::killAt(const Site& site, uint64_t occurrence, When when) {
  control_->killAfter = when == When::kAfter ? 1 : 0;
  control_->killCountdown = static_cast<int64_t>(occurrence);
  control_->killCaller = site.caller;
}

}  // namespace robustness
