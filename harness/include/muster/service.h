// Controls services of a node, by whichever manager runs it: systemd, or SysV init scripts.
//
//   Service napper = node.service("napper");
//   EXPECT_TRUE(napper.start().running());
//   EXPECT_EQ(napper.stop().state, ServiceStatus::State::kStopped);
//
// It does not install services: write the unit with Node::file first, and let systemd read it with
// `systemctl daemon-reload`.
//
// Things to get right:
//   * Starting a service that runs, or stopping one that is stopped, is not an error.
//   * A service that its manager calls started may fail a moment later. Eventually (eventually.h)
//     waits for what the test really needs, such as an answer on a port.
//   * When the connection breaks in the middle, the action is sent again. A restart or reload may
//     then happen twice.
#pragma once

#include <iosfwd>
#include <source_location>
#include <string>

#include <muster/service_status.h>

namespace harness {
class ControllerNode;
struct ApiAccess;
}  // namespace harness

namespace muster {

// Stands for a service of a node by name ("glusterd", "ssh.socket"). Node::service makes one and
// asks nothing, so the service need not exist. It is a value that is valid as long as its cluster.
// Call from the test thread.
//
// Every call ends with DeadlineScope::current() at the latest, and waits until then for a node that
// is unreachable. NodeError of these kinds is thrown:
//   kNotFound      The node has no such service.
//   kInvalid       The name has a "/" or a control character.
//   kSystem        The action failed. The text has the manager's reason.
//   kTimeout       The manager was not done in time. The action may still complete.
//   kUnsupported   The node has neither manager.
//   kUnreachable   The node was not reached in time, as with every call: see node_error.h.
class Service {
 public:
  using Where = std::source_location;

  const std::string& name() const { return name_; }

  // Returns the name of the node.
  const std::string& node() const;

  // Asks the manager for the status. A stopped or failed service is a status, not an error.
  ServiceStatus status(Where where = Where::current()) const;

  // Each waits until the manager says that it is done, at most ten minutes, and gives the status
  // afterwards. enable and disable concern the next boot of the node, and start or stop nothing.
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

// Prints node and name for gtest.
void PrintTo(const Service& service, std::ostream* out);

}  // namespace muster
