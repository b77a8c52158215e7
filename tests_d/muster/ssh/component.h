// Hosts that only have an ssh server, for the tests of this directory: nodes of the test's cluster
// whose own agents the inner `muster` knows nothing of. It runs on the client, as a person would
// run it there.
#pragma once

#include <string>

#include <muster/muster.h>

namespace ssh_tests {

// The agents of the test's cluster have the usual port, so that those of the inner clusters take
// this one and those behind it.
inline constexpr char kPort[] = "7500";

// The first process of the hosts, and what they have besides an ssh server.
muster::Needs needsHosts(muster::NeedsInit init);

// Removes every inner cluster at the end of a test, and looks whether nothing of it is left.
class SshTest : public muster::ClusterTest {
 public:
  static void SetUpTestSuite();

 protected:
  void SetUp() override;
  void TearDown() override;

  static muster::Node& host(size_t number) { return servers()[number - 1]; }
  static muster::Node& controller() { return clients()[0]; }

  // Writes a cluster file of the kind ssh on the controller and returns its path. `nodes` is the
  // content of its key "nodes", with "HOST1" and "HOST2" for the names of the hosts; `keys` are
  // lines of the file, of which "config" and "agent_port" need not be among.
  std::string file(const std::string& cluster, const std::string& nodes,
                   const std::string& keys = "") const;

  // Runs or starts the inner `muster` with words for a shell.
  muster::Result inner(const std::string& words) const;
  muster::Process beginInner(const std::string& words) const;

  // Returns the states of a cluster's nodes while it was made, a line for each.
  std::string statesOf(const std::string& cluster) const;

  // Lists what of agents, their files and their units is on a host, a line for each.
  std::string leftoversOn(const muster::Node& host) const;
  // Lists connections of ssh and their sockets on the controller.
  std::string connections() const;
  // Expects that nothing is left, on hosts and controller.
  void expectNothingLeft() const;

  // Kills all processes of inner agents on a host.
  void killAgents(const muster::Node& host) const;
};

}  // namespace ssh_tests
