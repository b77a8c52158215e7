// The cluster that a test runs on: its nodes by role and name, and what can be done to whole
// machines.
//
//   Node& victim = cluster().servers()[0];
//   Frozen frozen = cluster().freeze(victim);
//   EXPECT_THAT(cluster().otherThan(victim).run({"true"}), OnEachNode(Succeeded()));
//
// It neither makes nodes nor chooses them. Where they come from is the cluster file's business, or
// that of `needs()` in cluster_test.h.
//
// Things to get right:
//   * A Node& and a NodeSet borrow from the cluster, and File, Service and Process need it too. The
//     cluster of a test lives until the program ends.
//   * A frozen or powered-off node stays connected for up to a few seconds, until a heartbeat is
//     missed. Wait by Node::awaitDisconnected where that matters.
//   * A node that a test has left without power is powered on when the test ends, and one that
//     SetUpTestSuite has, when the suite ends. A test that fails for that reason says so.
//   * A Frozen that is not held, as in `cluster().freeze(node);`, thaws the node at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include <muster/barrier.h>
#include <muster/event.h>
#include <muster/fault.h>
#include <muster/fault_options.h>
#include <muster/node_set.h>

namespace harness {
struct ApiAccess;
struct ClusterParts;
namespace rpc {
class Sync;
}
}  // namespace harness

namespace muster {

class NodeFaults;

// Keeps every process of a node standing still, its agent too, while its kernel answers on. Made by
// Cluster::freeze. The node goes on when this is destroyed, or when this program ends in whatever
// way. Use it in the test thread, and destroy it before the cluster. A Frozen that is not held lets
// the node go on at once; compilers warn of it.
class [[nodiscard]] Frozen {
 public:
  // Lets the node go on and waits until it does. It does not throw: an error is printed on standard
  // error.
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  // Lets the node go on now. NodeError kInfrastructure if that fails. Later calls and the
  // destructor do nothing.
  void thaw();

  // Tells whether thaw() was not called yet.
  bool holds() const { return static_cast<bool>(thaw_); }

 private:
  friend struct harness::ApiAccess;
  explicit Frozen(std::function<void()> thaw);

  // Lets the node go on. Empty means that it was done.
  std::function<void()> thaw_;
};

// Given by ClusterTest::cluster(). Call from the test thread.
class Cluster {
 public:
  using Where = std::source_location;

  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const std::string& name() const;

  // Returns the nodes that were connected when the test or the suite began, in the order of the
  // cluster file. The functions below choose from these, but for node() and select(): they also
  // give a node that was absent, and calls on it wait for it.
  const NodeSet& nodes() const;

  // Return the nodes of role "server" and "client". Either may be empty.
  NodeSet servers() const;
  NodeSet clients() const;

  // Returns the nodes of a role. NodeError kNotFound, naming the roles that there are, if no node
  // of it is there.
  NodeSet withRole(const std::string& role, Where where = Where::current()) const;

  // Return the nodes with a label, of any value or of this one. The set may be empty.
  NodeSet withLabel(const std::string& label) const;
  NodeSet withLabel(const std::string& label, const std::string& value) const;

  // Return the nodes but these, which need not be of this cluster.
  NodeSet otherThan(const Node& node) const;
  NodeSet otherThan(const NodeSet& nodes) const;

  // Returns the node of that name. NodeError kNotFound, naming the nodes that there are, if there
  // is none.
  Node& node(const std::string& name, Where where = Where::current()) const;

  // Returns the nodes of an expression of names and sets, such as "server[1-3],client1" or
  // "@server" for a role. NodeError kInvalid for a mistake in it and for names that the cluster
  // does not have.
  NodeSet select(const std::string& expression, Where where = Where::current()) const;

  // Stops every process of the node, and returns when they stand still. NodeError kUnsupported
  // where the nodes cannot be frozen: real machines, and local nodes without a writable control
  // group. kInfrastructure if the node is off, or it fails otherwise.
  Frozen freeze(const Node& node, Where where = Where::current());

  // Ends the node as a power cut does: no process of it gets to know, and what was not synced may
  // be gone. Does nothing to a node that is off. It is on again after the test, or when this
  // program has ended in whatever way. NodeError kUnsupported as for freeze, kInfrastructure if it
  // fails otherwise.
  void powerOff(const Node& node, Where where = Where::current());

  // Starts it again with its disks, and waits until its boot commands are over and we are
  // connected, at most until DeadlineScope::current(). Commands that ran on it have the outcome
  // kLost. A node that is on goes on as it is, its daemons too, so that a TearDown may power on
  // whatever the test has left off. NodeError kUnreachable if its agent does not come back in time;
  // kUnsupported and kInfrastructure as for powerOff. If a boot command fails it is
  // kInfrastructure, with the end of their output, and the node stays off.
  void powerOn(const Node& node, Where where = Where::current());

  // Cuts the power of all these nodes, powers them on again, and waits until we are connected to
  // each, all within `within`. Returns their new boot ids, in order. NodeError kUnreachable names
  // every node that did not come back, with its last error; others are those of powerOff and
  // powerOn, and leave the rest of the nodes on.
  std::vector<std::string> reboot(const NodeSet& nodes,
                                  std::chrono::nanoseconds within = std::chrono::minutes(5),
                                  Where where = Where::current());

  // Returns the event of that name, to be waited for: event.h. NodeError kInvalid for a name that
  // is not of the form [A-Za-z0-9._:/-]{1,64}.
  Event event(const std::string& name, Where where = Where::current()) const;

  // Sends an event to all commands of this test that wait for it with `nodeagent wait`, now or
  // later, and to event(). NodeError kInvalid for a name as above, for data whose names are not of
  // the form [A-Za-z0-9._-]{1,64}, and for values with a newline or of over 8 KiB together.
  void notify(const std::string& name, const EventData& data = {}, Where where = Where::current());

  // Declare a barrier for `count` commands, for one command of each of these nodes, or for these
  // commands, and for the test in addition: barrier.h. NodeError kInvalid if it is for nobody, for
  // over 10000, for a node that is not of this cluster, or for a detached command; kConflict if the
  // test has a Barrier of this name.
  Barrier barrier(const std::string& name, int64_t count, Where where = Where::current());
  Barrier barrier(const std::string& name, const NodeSet& nodes, Where where = Where::current());
  Barrier barrier(const std::string& name, const Participants& commands,
                  Where where = Where::current());
  Barrier barrier(const std::string& name, const ProcessSet& commands,
                  Where where = Where::current());

  // Cut the network between nodes, until the Fault is healed (fault.h): between groups, as in
  // `partition({{a, b}, {c}})`; between one node and all others of nodes(); and packets of `from`
  // to `to` alone. They return when the cut is witnessed. NodeError kInvalid, before anything is
  // touched, for overlapping or empty groups, a node against itself and options out of range;
  // kUnsupported naming what a node lacks; kInfrastructure if the cut is not witnessed, and then
  // it is healed.
  Fault partition(const std::vector<NodeSet>& groups, const FaultOptions& options = {},
                  Where where = Where::current());
  Fault isolate(const Node& node, const FaultOptions& options = {}, Where where = Where::current());
  Fault cutOneWay(const Node& from, const Node& to, const FaultOptions& options = {},
                  Where where = Where::current());

  // Cut so that nodes disagree about who is there, and throw as the calls above do. Of a ring, four
  // nodes at least, each reaches its neighbours in the order of the set, which make a majority with
  // it, and no two have the same one. Of a bridge, `left` and `right` reach `middle` and not each
  // other.
  Fault majorityRing(const NodeSet& nodes, const FaultOptions& options = {},
                     Where where = Where::current());
  Fault bridge(const NodeSet& left, const Node& middle, const NodeSet& right,
               const FaultOptions& options = {}, Where where = Where::current());

  // Makes all that the node sends slow or unreliable; a node without netem leaves out what goes to
  // us. It throws as the calls above do, and kConflict if its interface is degraded already or has
  // a queueing discipline that is not the kernel's own.
  Fault degrade(const Node& node, const Degradation& degradation, Where where = Where::current());

  // Give the faults that concern the node itself, or each of the nodes: node_faults.h. They ask
  // nothing.
  NodeFaults faultsOn(const Node& node) const;
  NodeFaults faultsOn(const NodeSet& nodes) const;

 private:
  friend struct harness::ApiAccess;
  explicit Cluster(harness::ClusterParts parts);

  Barrier declared(const std::string& name, const std::vector<const Process*>& commands,
                   Where where);

  std::unique_ptr<const harness::ClusterParts> parts_;
  std::vector<std::unique_ptr<Node>> owned_;
  NodeSet all_;

  // The nodes of all_ that are not absent.
  NodeSet present_;

  // Listens to the commands of all nodes.
  std::unique_ptr<harness::rpc::Sync> sync_;
};

// Print name and nodes, and whether the node stands still, for gtest.
void PrintTo(const Cluster& cluster, std::ostream* out);
void PrintTo(const Frozen& frozen, std::ostream* out);

}  // namespace muster
