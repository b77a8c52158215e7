// Describes a service of a node in the words of the manager that runs it. The calls are in
// service.h.
//
//   ServiceStatus status = node.service("kvd").status();
//   if (!status.running()) std::cerr << testing::PrintToString(status) << "\n";
//
// It is a plain value, true at the moment of the answer: it does not follow the service.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace muster {

struct ServiceStatus {
  // kUnspecified is a manager that came after this library.
  enum class Manager { kUnspecified, kSystemd, kSysv, kOpenrc };
  enum class State { kUnspecified, kRunning, kStarting, kStopping, kStopped, kFailed };
  enum class Enabled { kUnspecified, kEnabled, kDisabled, kMasked, kStatic };

  Manager manager = Manager::kUnspecified;

  // kUnspecified means that the init script cannot tell: it has no `status` action, or gives an
  // answer that is not of the LSB.
  State state = State::kUnspecified;

  // Is the manager's own word, such as "exited" or "auto-restart". Empty means that it has none.
  std::string substate = {};

  // Is the process number of the service's main process. 0 means none or unknown.
  int mainPid = 0;

  // Says whether the service starts when the node boots. kStatic units cannot be enabled.
  Enabled enabled = Enabled::kUnspecified;

  // Is one line for people. It may be empty.
  std::string description = {};

  // Holds the last lines of the service's log, the oldest first, at most 20. Empty means that the
  // manager keeps none.
  std::vector<std::string> log = {};

  // A service that is starting or stopping does not count as running.
  bool running() const { return state == State::kRunning; }
};

// Returns "running", "starting" and the like.
std::string toString(ServiceStatus::State state);

// Prints state, substate and log for gtest.
void PrintTo(const ServiceStatus& status, std::ostream* out);

// Names the calls of Service that change something, as service.h describes them.
enum class ServiceAction {
  kStart,
  kStop,
  kRestart,
  kReload,
  kEnable,
  kDisable,

  // These two are systemd's alone.
  kMask,
  kUnmask,

  // SysV init scripts lack this.
  kResetFailed,

  // Sends a signal, which is given with it.
  kKill
};

// Print the words for gtest.
void PrintTo(ServiceStatus::Manager manager, std::ostream* out);
void PrintTo(ServiceStatus::State state, std::ostream* out);
void PrintTo(ServiceStatus::Enabled enabled, std::ostream* out);
void PrintTo(ServiceAction action, std::ostream* out);

}  // namespace muster
