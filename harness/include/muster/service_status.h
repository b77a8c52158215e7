// A service of a node as its manager describes it. See service.h for the calls.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace muster {

struct ServiceStatus {
  enum class Manager { kUnspecified, kSystemd, kSysv };
  enum class State { kUnspecified, kRunning, kStarting, kStopping, kStopped, kFailed };
  enum class Enabled { kUnspecified, kEnabled, kDisabled, kMasked, kStatic };

  Manager manager = Manager::kUnspecified;

  // kUnspecified: the init script cannot tell.
  State state = State::kUnspecified;

  // The manager's own word, such as "exited". Empty: it has none.
  std::string substate;

  // 0: none or unknown.
  int mainPid = 0;
  Enabled enabled = Enabled::kUnspecified;
  std::string description;

  // The last log lines of the service, where the manager keeps them; at most 20.
  std::vector<std::string> log;

  bool running() const { return state == State::kRunning; }
};

std::string toString(ServiceStatus::State state);
void PrintTo(const ServiceStatus& status, std::ostream* out);

enum class ServiceAction { kStart, kStop, kRestart, kReload, kEnable, kDisable };

}  // namespace muster
