// Says what a test suite needs of a cluster, so that the suite runs where it can and is skipped
// where it cannot.
//
//   class ReplicaTest : public muster::ClusterTest {
//    public:
//     static muster::Needs needs() { return {.nodes = {{"server", 3}, {"client", 1}}}; }
//   };
//
// A suite whose needs the cluster cannot meet is skipped with the reason, which is not a failure.
// With no cluster configured, one is made on this machine that meets the needs of all selected
// suites together. Needs are minimums, so a suite may meet more nodes than it asked for. Nodes
// beyond them that cannot be reached are left out.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace muster {

enum class NeedsInit {
  // Any init will do. Nodes that are made for the run have a minimal one.
  kAny,

  // The nodes run systemd.
  kSystemd,
};

// What can be done to some nodes and not to others.
enum class NodeAbility {
  // Their network can be cut: Cluster::partition, isolate and the like.
  kNetworkFaults,

  // Their network can be slowed and delayed: Cluster::degrade with a rate, and with a delay.
  kRateLimits,
  kDelays,

  // All their processes can be frozen: Cluster::freeze.
  kFreezing,

  // Their power can be cut: Cluster::powerOff and reboot.
  kPower,
};

struct Needs {
  // Is the least number of nodes of each role, such as {{"server", 3}, {"client", 1}}. Roles that
  // are not named are not needed.
  std::map<std::string, int> nodes = {};

  NeedsInit init = NeedsInit::kAny;

  // Names capabilities that root has on each node of the roles above, such as "mknod" for tests
  // that make devices: capabilities(7), in lower case and without "CAP_". A suite is skipped where
  // a node has not got one, or its agent is too old to tell. Nodes that are made for the run get
  // those that such nodes may have, which is "mknod". A name that does not exist is a failure.
  std::vector<std::string> capabilities = {};

  // Names what the nodes of the roles above must be able to bear, so that a test does not fail
  // half-way where they are not: `.abilities = {NodeAbility::kPower}`. It is found out before the
  // suite's first test, by trying it for a moment; the power is not tried.
  std::vector<NodeAbility> abilities = {};

  // Is the least memory, in bytes, that is available on each node of the roles above when the
  // fixture begins. 0: any.
  std::uint64_t memoryBytes = 0;

  // Holds shell commands that nodes made for the run execute as root, in order: at each of their
  // starts, so before the first test and again at Cluster::powerOn. Nodes of a configured cluster
  // do not execute them.
  std::vector<std::string> boot = {};
};

// Print the words and the needs for gtest.
void PrintTo(NodeAbility ability, std::ostream* out);
void PrintTo(NeedsInit init, std::ostream* out);
void PrintTo(const Needs& needs, std::ostream* out);

}  // namespace muster
