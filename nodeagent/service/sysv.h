// Services by SysV init scripts, which say how they are by LSB exit statuses.
#pragma once

#include "nodeagent/service/manager.h"

namespace nodeagent::service {

struct SysvPaths {
  kj::StringPtr scripts = "/etc/init.d";
  kj::StringPtr runlevels = "/etc";  // Holds rc2.d to rc5.d.
  kj::StringPtr pidFiles = "/run";
  kj::StringPtr updateTool = "update-rc.d";  // Debian's; where it is missing, chkconfig is tried.
};

class Sysv final : public Manager {
 public:
  explicit Sysv(const SysvPaths& paths = {});

  Status status(kj::StringPtr name) override;
  ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) override;

 private:
  kj::String scriptOf(kj::StringPtr name);
  wire::ServiceStatus::Enabled enabledOf(kj::StringPtr name);
  int32_t pidOf(kj::StringPtr name);
  ActResult enableOrDisable(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs);

  SysvPaths paths_;
};

// LSB: 0 running, 1 and 2 dead with something left behind, 3 not running, 4 and the rest unknown.
wire::ServiceStatus::State stateOfExitStatus(int status);

}  // namespace nodeagent::service
