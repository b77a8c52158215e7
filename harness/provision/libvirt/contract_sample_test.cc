// Gives containers of libvirt to the contract's tests, where a daemon of libvirt runs. The tests of
// tests_d/muster/libvirt run this program on a node that has one.
#include <unistd.h>

#include "harness/provision/contract_testing.h"
#include "harness/provision/error.h"
#include "harness/provision/libvirt/libvirt_connection.h"
#include "harness/provision/libvirt/libvirt_mark.h"
#include "harness/provision/program/program_testing.h"
#include "harness/provision/programs.h"

namespace harness {
namespace {

constexpr char kContainers[] = "lxc:///system";

class LibvirtSample : public ContractSample {
 public:
  std::string missing() override {
    if (::geteuid() != 0) return "root file systems of containers need root";
    try {
      LibvirtConnection connection(kContainers);
      return "";
    } catch (const ProvisionError& error) {
      return error.what();
    }
  }

  std::string file(const std::string& cluster, size_t nodes) override {
    return "name: " + cluster + "\nprovisioner: libvirt\nmemory: 128MiB\nnodes:\n  node[1-" +
           std::to_string(nodes) + "]: {role: server}\n";
  }
  std::string brokenFile(const std::string& cluster) override {
    return file(cluster, 1) + "boot: {node1: [\"exit 3\"]}\n";
  }

  std::unique_ptr<Provisioner> make() override {
    ProgramOptions options;
    options.program = findProgram("muster-provisioner-libvirt");
    options.kind = "libvirt";
    options.store = store();
    options.readyTime = std::chrono::seconds(60);
    return std::make_unique<ProgramProvisioner>(options);
  }

  std::string leftovers(const std::string& cluster) override {
    std::string found = programLeftovers(store(), cluster);
    LibvirtConnection libvirt(kContainers);
    for (const LibvirtThing& domain : libvirt.domains()) {
      if (domain.name.starts_with(domainName(cluster, ""))) found += domain.name + "\n";
    }
    for (const LibvirtThing& network : libvirt.networks()) {
      if (network.name == networkName(cluster)) found += "network " + network.name + "\n";
    }
    if (readFile("/proc/self/mounts").find("/" + cluster + "/nodes/") != std::string::npos) {
      found += "mounts\n";
    }
    return found;
  }

  std::vector<BadFile> badFiles() override {
    return {{"provisioner: libvirt\nuri: xen:///\nnodes: {a: {role: x}}", "2:6"},
            {"provisioner: libvirt\nnodes: {a: {role: x, memory: 1MiB}}", "2:30"},
            {"provisioner: libvirt\nnodes: {a: {role: x, subnet: 10.0.0.0/24}}", "2:22"}};
  }

 private:
  ClusterStore store() const { return ClusterStore(scratch_.path() + "/clusters"); }

  ScratchDirectory scratch_;
};

INSTANTIATE_TEST_SUITE_P(libvirt, ProvisionerContractTest,
                         ::testing::Values(&makeSample<LibvirtSample>));

}  // namespace
}  // namespace harness
