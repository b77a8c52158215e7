// Controls services of a node, by whichever manager runs it: systemd, OpenRC, or SysV init scripts.
//
//   Service napper = node.service("napper");
//   napper.start();
//   napper.waitActive(10s);
//   EXPECT_EQ(napper.stop().state, ServiceStatus::State::kStopped);
//
// It does not install services: write the unit with Node::file first, and let systemd read it with
// `systemctl daemon-reload`.
//
// Things to get right:
//   * Starting a service that runs, or stopping one that is stopped, is not an error.
//   * What a test changes is put back when the test ends: whether a service runs, and whether it is
//     enabled, is as it was before the test's first change. UndoAt::kNever keeps the change.
//   * A service that its manager calls started may fail a moment later. waitActive fails at once
//     then. Node::waitFor (condition.h) waits for what the test really needs, such as a port.
//   * When the connection breaks in the middle, the action is sent again. A restart, reload or kill
//     may then happen twice.
#pragma once

#include <chrono>
#include <csignal>
#include <iosfwd>
#include <source_location>
#include <string>

#include <muster/service_status.h>
#include <muster/write_options.h>

namespace harness {
class ControllerNode;
struct ApiAccess;
}  // namespace harness

namespace muster {

struct ServiceOptions {
  // The service is one of this user's, by name or number (`systemctl --user`), whose systemd must
  // run: a login starts it, or `loginctl enable-linger`. Empty means the node's own services.
  std::string user = {};
};

// Stands for a service of a node by name ("glusterd", "ssh.socket"). Node::service makes one and
// asks nothing, so the service need not exist. It is a value that is valid as long as its cluster.
// Call from the test thread.
//
// Every call ends with DeadlineScope::current() at the latest, and waits until then for a node that
// is unreachable. NodeError of these kinds is thrown:
//   kNotFound      The node has no such service or user.
//   kInvalid       The name has a "/" or a control character.
//   kSystem        The action failed. The text has the manager's reason.
//   kTimeout       The manager was not done in time. The action may still complete.
//   kUnsupported   The node has no such manager, or the manager lacks the action. Or the script has
//                  no status, so that the service could not be put back: UndoAt::kNever keeps the
//                  change.
//   kUnreachable   The node was not reached in time, as with every call: see node_error.h.
class Service {
 public:
  using Where = std::source_location;

  const std::string& name() const { return name_; }

  // Returns the name of the node.
  const std::string& node() const;

  // Asks the manager for the status. A stopped or failed service is a status, not an error.
  ServiceStatus status(Where where = Where::current()) const;

  // Waits until the service runs, and returns its status. If it has failed, or fails meanwhile,
  // NodeError kSystem is thrown at once; and kTimeout if it does not run after `within`. Both have
  // what the service and its manager have logged since this call, or since the service's present
  // start began if that was earlier: the last 50 lines of the journal, or the reason why there are
  // none. A service that is stopped is waited for, since somebody may start it. The node itself
  // looks, ten times a second.
  ServiceStatus waitActive(std::chrono::nanoseconds within, Where where = Where::current()) const;

  // Each waits until the manager says that it is done, at most ten minutes, and gives the status
  // afterwards. `undo` says when the service is put back; a change that the manager refused needs
  // no undo. Nothing is put back after reload and resetFailed, which change no such state.
  ServiceStatus start(UndoAt undo = UndoAt::kTestEnd, Where where = Where::current()) const;
  ServiceStatus stop(UndoAt undo = UndoAt::kTestEnd, Where where = Where::current()) const;
  ServiceStatus restart(UndoAt undo = UndoAt::kTestEnd, Where where = Where::current()) const;
  ServiceStatus reload(Where where = Where::current()) const;

  // These concern the next boot of the node, and start or stop nothing.
  ServiceStatus enable(UndoAt undo = UndoAt::kTestEnd, Where where = Where::current()) const;
  ServiceStatus disable(UndoAt undo = UndoAt::kTestEnd, Where where = Where::current()) const;

  // A masked service cannot be started by anybody. Only systemd has this.
  ServiceStatus mask(UndoAt undo = UndoAt::kTestEnd, Where where = Where::current()) const;
  ServiceStatus unmask(UndoAt undo = UndoAt::kTestEnd, Where where = Where::current()) const;

  // Makes a failed service a stopped one, whose count of starts begins anew: systemd does not start
  // a service that has failed too often. SysV init scripts lack it.
  ServiceStatus resetFailed(Where where = Where::current()) const;

  // Sends a signal to the processes of the service, of scripts to the one whose number is in
  // /run/NAME.pid, and returns at once: the status may be that before the signal was taken.
  ServiceStatus kill(int number = SIGKILL, UndoAt undo = UndoAt::kTestEnd,
                     Where where = Where::current()) const;

 private:
  friend struct harness::ApiAccess;
  Service(harness::ControllerNode& node, std::string name, ServiceOptions options);

  ServiceStatus act(ServiceAction action, int signal, UndoAt undo, Where where) const;

  // Owned by the connections of the cluster.
  harness::ControllerNode* node_;
  std::string name_;
  ServiceOptions options_;
};

// Prints node and name for gtest.
void PrintTo(const Service& service, std::ostream* out);

}  // namespace muster
