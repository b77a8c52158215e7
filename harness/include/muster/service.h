// Services of a node, by whichever manager runs it: systemd, or SysV init scripts.
#pragma once

#include <source_location>
#include <string>

#include <muster/service_status.h>

namespace harness {
class ControllerNode;
struct ApiAccess;
}  // namespace harness

namespace muster {

// A service of a node by name ("glusterd", "ssh.socket"); making one asks nothing. A value; valid
// as long as its cluster. Calls wait until the manager says that it is done and give the status
// afterwards.
//
// NodeError: kNotFound, kSystem (the action failed; the text has the manager's reason), kTimeout,
// kUnsupported (no manager that we know), and those of the connection.
class Service {
 public:
  using Where = std::source_location;

  const std::string& name() const { return name_; }

  ServiceStatus status(Where where = Where::current()) const;

  // Each within DeadlineScope::current(), at most ten minutes. A started service that is to start,
  // or a stopped one that is to stop, is not an error.
  ServiceStatus start(Where where = Where::current()) const;
  ServiceStatus stop(Where where = Where::current()) const;
  ServiceStatus restart(Where where = Where::current()) const;
  ServiceStatus reload(Where where = Where::current()) const;
  ServiceStatus enable(Where where = Where::current()) const;
  ServiceStatus disable(Where where = Where::current()) const;

 private:
  friend struct harness::ApiAccess;
  Service(harness::ControllerNode& node, std::string name);

  ServiceStatus act(ServiceAction action, Where where) const;

  // Owned by the connections of the cluster.
  harness::ControllerNode* node_;
  std::string name_;
};

}  // namespace muster
