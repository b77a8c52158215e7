// Controls services by OpenRC, through its own rc-service and rc-update.
#pragma once

#include <kj/vector.h>

#include "nodeagent/service/manager.h"

namespace nodeagent::service {

struct OpenrcPaths {
  kj::StringPtr scripts = "/etc/init.d";
  // Holds a directory for each runlevel.
  kj::StringPtr runlevels = "/etc/runlevels";
  kj::StringPtr pidFiles = "/run";
  kj::StringPtr rcService = "rc-service";
  kj::StringPtr rcUpdate = "rc-update";
};

class Openrc final : public Manager {
 public:
  explicit Openrc(const OpenrcPaths& paths = {});

  Status status(kj::StringPtr name, Log log = Log::kWith) override;
  ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) override;
  ActResult kill(kj::StringPtr name, int signal, int64_t limitNs) override;
  Journal journalSince(kj::StringPtr name, int64_t realtimeNs) override;

 private:
  // Returns the runlevels that have the service; null if the node has no runlevels.
  kj::Maybe<kj::Vector<kj::String>> levelsOf(kj::StringPtr name);
  wire::ServiceStatus::Enabled enabledOf(kj::StringPtr name);
  // Returns the command for the action; empty if there is nothing to do.
  kj::Vector<kj::String> commandOf(kj::StringPtr name, wire::ServiceAction action);

  OpenrcPaths paths_;
};

// Reads the exit status of `rc-service NAME status`.
wire::ServiceStatus::State stateOfOpenrc(int exitStatus);

}  // namespace nodeagent::service
