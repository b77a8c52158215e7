// The cluster that a test runs on: its nodes by role and name, and what can be done to whole
// machines.
//
// Where the nodes come from is the cluster file's business, or that of `needs()` in cluster_test.h.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include <muster/node_set.h>

namespace harness {
struct ApiAccess;
struct ClusterParts;
}  // namespace harness

namespace muster {

// Every process of a node, its agent too, stands still as long as this lives. The node goes on when
// it is destroyed, or when this program ends in whatever way. Made by Cluster::freeze.
class Frozen {
 public:
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  // Lets the node go on now, and reports what went wrong with that. Later calls and the destructor
  // do nothing.
  void thaw();

 private:
  friend struct harness::ApiAccess;
  explicit Frozen(std::function<void()> thaw);

  // Lets the node go on. Empty: that was done.
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

  // All nodes, in the order of the cluster file.
  const NodeSet& nodes() const;

  // Those of role "server" and "client". May be empty.
  NodeSet servers() const;
  NodeSet clients() const;

  // Those of a role. NodeError kNotFound, naming the roles that there are, if no node has it.
  NodeSet withRole(const std::string& role) const;

  // Those with a label, of any value or of this one. May be empty.
  NodeSet withLabel(const std::string& label) const;
  NodeSet withLabel(const std::string& label, const std::string& value) const;

  NodeSet otherThan(const Node& node) const;
  NodeSet otherThan(const NodeSet& nodes) const;

  // The node of that name, or NodeError kNotFound.
  Node& node(const std::string& name) const;

  // By name with sets, such as "server[1-3],client1" or "@server" for a role. NodeError kInvalid,
  // kNotFound.
  NodeSet select(const std::string& expression) const;

  // Stops every process of the node. NodeError kUnsupported where the nodes cannot be frozen.
  Frozen freeze(const Node& node, Where where = Where::current());

  // Ends the node as a power cut does: no process of it gets to know. NodeError kUnsupported
  // likewise.
  void powerOff(const Node& node, Where where = Where::current());

  // Starts it again with its disks, and waits until we are connected. What ran on it before is
  // `lost`.
  void powerOn(const Node& node, Where where = Where::current());

 private:
  friend struct harness::ApiAccess;
  explicit Cluster(harness::ClusterParts parts);

  std::unique_ptr<const harness::ClusterParts> parts_;
  std::vector<std::unique_ptr<Node>> owned_;
  NodeSet all_;
};

// For gtest: name and nodes.
void PrintTo(const Cluster& cluster, std::ostream* out);

}  // namespace muster
