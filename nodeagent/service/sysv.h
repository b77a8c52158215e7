// Controls services by SysV init scripts, which report their state by LSB exit statuses.
#pragma once

#include "nodeagent/service/manager.h"

namespace nodeagent::service {

struct SysvPaths {
  kj::StringPtr scripts = "/etc/init.d";
  // Holds rc2.d to rc5.d.
  kj::StringPtr runlevels = "/etc";
  kj::StringPtr pidFiles = "/run";
  // Debian's tool; where it is missing, chkconfig is tried.
  kj::StringPtr updateTool = "update-rc.d";
};

class Sysv final : public Manager {
 public:
  explicit Sysv(const SysvPaths& paths = {});

  Status status(kj::StringPtr name, Log log = Log::kWith) override;
  ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) override;
  ActResult kill(kj::StringPtr name, int signal, int64_t limitNs) override;
  Journal journalSince(kj::StringPtr name, int64_t realtimeNs) override;

 private:
  wire::ServiceStatus::Enabled enabledOf(kj::StringPtr name);
  ActResult enableOrDisable(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs);

  SysvPaths paths_;
};

// Reads an LSB exit status: 0 running, 1 and 2 dead with something left behind, 3 not running, 4
// and all others unknown.
wire::ServiceStatus::State stateOfExitStatus(int status);

}  // namespace nodeagent::service
