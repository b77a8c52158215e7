// A node that runs libvirtd and an inner `muster`, for the tests of this directory.
#pragma once

#include <string>

#include <muster/muster.h>

namespace libvirt_tests {

// The hypervisor is a node of this machine, whose control groups of version 1 are below one group
// of the tests. What is in memory there, such as the inner clusters' directories, may bear
// overlays.
class HypervisorTest : public muster::ClusterTest {
 public:
  // A client is a node without libvirtd.
  static muster::Needs needs() {
    return {.nodes = {{"server", 1}, {"client", 1}}, .capabilities = {"mknod"}};
  }

  // Start libvirtd, and end it with all that it runs.
  static void SetUpTestSuite();
  static void TearDownTestSuite();

 protected:
  // Skips without libvirt.
  void SetUp() override;
  // Removes the inner clusters "one" and "two", and fails if anything else is left.
  void TearDown() override;

  static muster::Node& hypervisor() { return servers()[0]; }
  static muster::Node& machineWithoutDaemon() { return clients()[0]; }

  // Runs shell text on a node, with the programs of this build.
  static muster::Result on(const muster::Node& node, const std::string& text,
                           const std::string& stateDirectory = "/run/hypervisor/state");
  static muster::Result inner(const std::string& text) { return on(hypervisor(), text); }
  static muster::Process beginInner(const std::string& text);

  // Writes a cluster file of the kind libvirt on both nodes and returns its path. `nodes` is the
  // content of its key "nodes"; `keys` are further lines.
  static std::string file(const std::string& cluster, const std::string& nodes,
                          const std::string& keys = "memory: 128MiB\n");

  // Lists what of domains, networks, files, mounts, control groups and processes is on the
  // hypervisor, a line for each.
  static std::string leftovers();
};

}  // namespace libvirt_tests
