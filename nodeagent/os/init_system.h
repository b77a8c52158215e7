// Which service manager runs the node.
#pragma once

#include <kj/string.h>

namespace nodeagent {

enum class InitSystem {
  kUnknown,
  kSystemd,
  kSysv  // No systemd, and scripts in /etc/init.d.
};

// Where it is looked for; for tests to choose. Borrowed.
struct InitPaths {
  kj::StringPtr systemdRuntime = "/run/systemd/system";
  kj::StringPtr initCommand = "/proc/1/comm";
  kj::StringPtr scripts = "/etc/init.d";
};

InitSystem initSystem(const InitPaths& paths = {});

}  // namespace nodeagent
