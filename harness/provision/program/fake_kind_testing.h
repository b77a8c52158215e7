// The kind "fake", whose program is fake_provisioner_main.cc.
#pragma once

#include "harness/provision/program/program_testing.h"
#include "harness/provision/programs.h"

namespace harness {

inline ProgramOptions fakeKindOptions(const ScratchDirectory& scratch) {
  ProgramOptions options;
  options.program = std::string(MUSTER_FAKES_DIR) + "/muster-provisioner-fake";
  options.kind = "fake";
  options.store = ClusterStore(scratch.path() + "/clusters");
  options.readyTime = std::chrono::seconds(20);
  options.agentProgram = findProgram("muster-fake-nodeagent");
  return options;
}

}  // namespace harness
