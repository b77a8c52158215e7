// Tells which service manager runs the node, and what may be the name of a service. It does not
// talk to the manager: nodeagent/service does.
#pragma once

#include <kj/string.h>

namespace nodeagent {

enum class InitSystem {
  kUnknown,
  kSystemd,
  // There is no systemd, and OpenRC has booted the node.
  kOpenrc,
  // There is neither, and scripts are in /etc/init.d.
  kSysv
};

// The places that initSystem looks at; tests choose others. The texts are borrowed.
struct InitPaths {
  kj::StringPtr systemdRuntime = "/run/systemd/system";
  kj::StringPtr initCommand = "/proc/1/comm";
  kj::StringPtr scripts = "/etc/init.d";
  // The directory that OpenRC makes when it boots the node.
  kj::StringPtr openrcRuntime = "/run/openrc";
};

InitSystem initSystem(const InitPaths& paths = {});

// Fails with kind invalid for a text that cannot be the name of a unit or script, or would be an
// option or a pattern.
void requireServiceName(kj::StringPtr name);

// Returns the path of an init script. Fails with kind notFound if there is none, and system if it
// cannot be executed.
kj::String scriptOf(kj::StringPtr directory, kj::StringPtr name);

}  // namespace nodeagent
