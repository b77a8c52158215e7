// PrivateMachine turns a test program into one that has podman for itself: mounts, network and
// control groups of its own, so that nothing of the machine's containers is touched. Tests are
// skipped where it is not possible.
#pragma once

#include <string>

#include "harness/provision/podman/podman.h"

namespace harness {

// What leaveNothing() removes is also removed by the next program, if this one is killed.
class PrivateMachine {
 public:
  // Enters it, once in a process, which must have one thread. Returns why that is not possible, or
  // why podman does not work there. Empty: it is done.
  static const std::string& missing();

  // Ends all containers, and gives back the control group. The process stays where it is.
  static void leaveNothing();

  // Fails a test if there is none.
  static Podman podman();

  // Lists what there is of a cluster: containers, networks, mounts and monitors, a line for each.
  static std::string leftovers(const std::string& cluster);
};

}  // namespace harness
