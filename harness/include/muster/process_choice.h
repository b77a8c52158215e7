// Says which processes of a node a fault is for: all of one name, all of a service of systemd, or
// one by its number.
//
//   Fault paused = cluster().faultsOn(victim).pause(processesNamed("kvd"));
//   Fault stuck = cluster().faultsOn(victim).pause(processesOfUnit("kvd.service"));
//   Fault one = cluster().faultsOn(victim).pause(processWithPid(kvd.pid()));
//
// It looks for nothing itself: the node does, when the fault begins. What faults do is told in
// node_faults.h.
#pragma once

#include <string>
#include <utility>

namespace muster {

// A plain value, made by the functions below.
struct ProcessChoice {
  enum class By { kName, kUnit, kPid };
  By by = By::kName;

  // Is the name of the program or of the unit. Unused for a number.
  std::string name = {};

  // Is the number of the process on its node. Unused otherwise.
  int pid = 0;
};

// Returns all processes of a name: that of the program as the kernel keeps it (`ps -o comm`), or
// the last part of argv[0]. It must be the whole name, without "/".
inline ProcessChoice processesNamed(std::string name) {
  return {ProcessChoice::By::kName, std::move(name), 0};
}

// Returns all processes in the control group of a service of systemd. A name without a dot stands
// for NAME.service. Nodes without systemd have none.
inline ProcessChoice processesOfUnit(std::string unit) {
  return {ProcessChoice::By::kUnit, std::move(unit), 0};
}

// Returns the process of that number, such as Process::pid() or ServiceStatus::mainPid.
inline ProcessChoice processWithPid(int pid) {
  return {ProcessChoice::By::kPid, {}, pid};
}

}  // namespace muster
