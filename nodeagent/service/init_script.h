// What OpenRC and SysV share: a service is a script of its name, whose process may have noted its
// number in a file.
#pragma once

#include <stdint.h>

#include <kj/string.h>

#include "nodeagent/service/manager.h"

namespace nodeagent::service {

// Returns what stands behind `field` in the first line of the script that has it, without blanks
// and quotes around it. Empty: there is none in its first 8 KiB.
kj::String valueInScript(kj::StringPtr script, kj::StringPtr field);

// Returns the number in the script's file of /run, if such a process lives; 0 otherwise.
int32_t pidOfScript(kj::StringPtr pidFiles, kj::StringPtr name);

// Signals that process. Fails with kind unsupported if it is not known.
ActResult killScript(kj::StringPtr pidFiles, kj::StringPtr name, int signal);

}  // namespace nodeagent::service
