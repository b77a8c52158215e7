// Lets sysvinit be process 1 of a node, which starts the agent by its SysV script.
#pragma once

#include <string>

#include "harness/provision/local/hub/spec.h"

namespace harness {

// The directory of sysvinit's programs (init, telinit, halt, …) on this machine. Most machines run
// systemd, so that it stands beside: the package sysvinit-core, unpacked. Empty: there is none.
std::string findSysvinit();

// How findSysvinit finds some the next time, as commands.
std::string sysvinitRemedy();

// Makes sysvinit process 1 of the node. `programs` is what findSysvinit returned.
void composeSysvinit(NodeSpec& spec, const std::string& programs);

}  // namespace harness
