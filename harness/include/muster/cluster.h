// The cluster that a test runs on: its nodes by role and name, and what can be done to whole
// machines.
//
// Where the nodes come from is the cluster file's business, or that of `needs()` in cluster_test.h.
#pragma once

#include <map>
#include <memory>
#include <source_location>
#include <string>

#include <muster/node_set.h>

namespace harness {
class ClusterBackend;
}

namespace muster {

// Every process of a node, its agent too, stands still as long as this lives. The node goes on when
// it is destroyed, or when this program ends in whatever way. Made by Cluster::freeze.
class Frozen {
 public:
  // `backend` is borrowed for the object's life.
  Frozen(harness::ClusterBackend& backend, std::string node);
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  // Lets the node go on now, and reports what went wrong with that. Later calls and the destructor
  // do nothing.
  void thaw();

 private:
  harness::ClusterBackend& backend_;
  std::string node_;
  bool thawed_ = false;
};

// Given by ClusterTest::cluster(). Call from the test thread.
class Cluster {
 public:
  using Where = std::source_location;

  // `backend` is borrowed for the object's life.
  explicit Cluster(harness::ClusterBackend& backend);
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
  harness::ClusterBackend& backend_;
  std::vector<std::unique_ptr<Node>> owned_;
  NodeSet all_;
};

// For gtest: name and nodes.
void PrintTo(const Cluster& cluster, std::ostream* out);

}  // namespace muster
