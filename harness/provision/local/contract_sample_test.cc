// Gives local clusters to contract_test.cc. They need root and namespaces.
#include <signal.h>

#include "harness/os/process.h"
#include "harness/provision/contract_testing.h"
#include "harness/provision/local/local_testing.h"

namespace harness {
namespace {

class LocalSample : public ContractSample {
 public:
  std::string missing() override {
    Examination machine = make()->examine({.name = "contract", .nodes = {{.name = "node1"}}});
    return machine.missing.empty() ? "" : "no local nodes here: " + machine.missing[0];
  }
  std::string file(const std::string& cluster, size_t nodes) override {
    return "name: " + cluster + "\nprovisioner: local\nnodes:\n  node[1-" + std::to_string(nodes) +
           "]: {role: server}\n";
  }
  std::unique_ptr<Provisioner> make() override {
    return std::make_unique<LocalProvisioner>(fakeAgentOptions());
  }
  std::unique_ptr<Provisioner> makeBroken() override {
    LocalOptions options = fakeAgentOptions();
    options.agentProgram = "/bin/false";
    return std::make_unique<LocalProvisioner>(options);
  }
  std::string leftovers(const std::string& cluster) override { return localLeftovers(cluster); }
  Abandoned abandon(const std::string& cluster) override {
    ::kill(hubProcessOf(cluster)->pid, SIGKILL);
    return Abandoned::kYes;
  }
  std::vector<BadFile> badFiles() override {
    return {{"provisioner: local\nnodes: {a: {role: x, init: upstart}}", "2:28"},
            {"provisioner: local\nnodes: {a: {role: x, address: \"127.0.0.1:1\"}}", "2:22"},
            {"provisioner: local\nnodes: {a: {role: x, addresses: [10.78.0.1]}}", "2:34"},
            {"provisioner: local\ncontrol: tls\nnodes: {a: {role: x}}", "2:10"}};
  }
};

INSTANTIATE_TEST_SUITE_P(local, ProvisionerContractTest,
                         ::testing::Values(&makeSample<LocalSample>));

}  // namespace
}  // namespace harness
