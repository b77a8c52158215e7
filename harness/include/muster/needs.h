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

  // Holds shell commands that nodes made for the run execute as root, in order: at each of their
  // starts, so before the first test and again at Cluster::powerOn. Nodes of a configured cluster
  // do not execute them.
  std::vector<std::string> boot = {};
};

// Print the words and the needs for gtest.
void PrintTo(NeedsInit init, std::ostream* out);
void PrintTo(const Needs& needs, std::ostream* out);

}  // namespace muster
