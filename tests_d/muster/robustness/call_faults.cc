#include "tests_d/muster/robustness/call_faults.h"

#include <sys/mman.h>
#include <unistd.h>

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
