// Gives clusters of containers to the contract's tests. They need root and podman.
#include "harness/provision/contract_testing.h"
#include "harness/provision/podman/private_machine_testing.h"
#include "harness/provision/program/program_testing.h"
#include "harness/provision/programs.h"

namespace harness {
namespace {

class PodmanSample : public ContractSample {
 public:
  std::string missing() override { return PrivateMachine::missing(); }

  std::string file(const std::string& cluster, size_t nodes) override {
    return "name: " + cluster + "\nprovisioner: podman\nrootfs: /\nnodes:\n  node[1-" +
           std::to_string(nodes) + "]: {role: server}\n";
  }
  std::unique_ptr<Provisioner> make() override {
    return std::make_unique<ProgramProvisioner>(options());
  }
  std::unique_ptr<Provisioner> makeBroken() override {
    ProgramOptions broken = options();
    broken.agentProgram = "/bin/false";
    broken.readyTime = std::chrono::seconds(1);
    return std::make_unique<ProgramProvisioner>(broken);
  }
  std::string leftovers(const std::string& cluster) override {
    return programLeftovers(options().store, cluster) + PrivateMachine::leftovers(cluster);
  }
  std::vector<BadFile> badFiles() override {
    return {
        {"provisioner: podman\nnodes: {a: {role: x, rootfs: debian}}", "2:30"},
        {"provisioner: podman\nnodes: {a: {role: x, rootfs: /, init: upstart}}", "2:39"},
        {"provisioner: podman\nnodes: {a: {role: x, rootfs: /, address: \"127.0.0.1:1\"}}", "2:33"},
        {"provisioner: podman\nnodes: {a: {role: x}}", "2:9"}};
  }

 private:
  ProgramOptions options() {
    ProgramOptions options;
    options.program = findProgram("muster-provisioner-podman");
    options.kind = "podman";
    options.store = ClusterStore(scratch_.path() + "/clusters");
    options.readyTime = std::chrono::seconds(60);
    options.agentProgram = findProgram("nodeagent");
    return options;
  }

  ScratchDirectory scratch_;
};

INSTANTIATE_TEST_SUITE_P(podman, ProvisionerContractTest,
                         ::testing::Values(&makeSample<PodmanSample>));

}  // namespace
}  // namespace harness
