// Finds the kinds of provisioner that are programs: executable files named muster-provisioner-KIND.
//
// They are looked for in the directories of $MUSTER_PROVISIONERS, which have colons between them,
// beside the running program, where Muster is installed, and in those of PATH. The first of a name
// counts.
#pragma once

#include <string>
#include <vector>

#include "harness/provision/kind.h"

namespace harness {

// Returns the words of all kinds that are programs, sorted. None of them is started.
std::vector<std::string> programKindNames();

// Returns the path of a kind's program. Empty: there is none.
std::string findProgramOfKind(const std::string& kind);

// Returns a kind as its program describes it, which is started for that, once in a process. Null:
// there is no such program. Throws ProvisionError if it does not describe itself.
const ProvisionerKind* findProgramKind(const std::string& kind);

// Returns a provisioner of a kind, without starting its program. Null: there is no such program.
std::unique_ptr<Provisioner> makeProgramProvisioner(const std::string& kind);

}  // namespace harness
