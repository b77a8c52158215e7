// Tells which service manager runs the node. It does not talk to it: nodeagent/service does.
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

}  // namespace nodeagent
