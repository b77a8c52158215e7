#include <ostream>

#include <muster/service_status.h>

#include "schema/support/base/text.h"

namespace muster {

std::string toString(ServiceStatus::State state) {
  switch (state) {
    case ServiceStatus::State::kRunning:
      return "running";
    case ServiceStatus::State::kStarting:
      return "starting";
    case ServiceStatus::State::kStopping:
      return "stopping";
    case ServiceStatus::State::kStopped:
      return "stopped";
    case ServiceStatus::State::kFailed:
      return "failed";
    case ServiceStatus::State::kUnspecified:
      break;
  }
  return "in an unknown state";
}

void PrintTo(const ServiceStatus& status, std::ostream* out) {
  *out << toString(status.state);
  if (!status.substate.empty()) *out << " (" << support::printable(status.substate) << ")";
  if (status.mainPid) *out << ", main pid " << status.mainPid;
  for (const std::string& line : status.log) *out << "\n  log: " << support::printable(line);
}

}  // namespace muster
