// Gives clusters of two kinds that are programs to the contract's tests: one in C++, and the one in
// Python that people read.
#include "harness/provision/contract_testing.h"
#include "harness/provision/program/fake_kind_testing.h"

namespace harness {
namespace {

class ProgramSample : public ContractSample {
 public:
  std::string file(const std::string& cluster, size_t nodes) override {
    return "name: " + cluster + "\nprovisioner: " + kindOf() + "\nnodes:\n  node[1-" +
           std::to_string(nodes) + "]: {role: server}\n";
  }
  std::unique_ptr<Provisioner> make() override {
    return std::make_unique<ProgramProvisioner>(options());
  }
  std::string leftovers(const std::string& cluster) override {
    return programLeftovers(options().store, cluster);
  }

 protected:
  virtual std::string kindOf() = 0;
  virtual ProgramOptions options() = 0;

  ScratchDirectory scratch_;
};

class FakeSample : public ProgramSample {
 public:
  FakeSample() { ::setenv("MUSTER_PROVISIONERS", MUSTER_FAKES_DIR, 1); }

  std::string brokenFile(const std::string& cluster) override {
    return "name: " + cluster + "\nprovisioner: fake\nnodes: {node1: {role: x, fault: fail}}";
  }
  std::vector<BadFile> badFiles() override {
    return {{"provisioner: fake\nnodes: {a: {role: x, fault: no}}", "2:29"},
            {"provisioner: fake\ncolour: none\nnodes: {a: {role: x}}", "2:9"},
            {"provisioner: fake\ncolor: red\nnodes: {a: {role: x}}", "2:1"}};
  }

 protected:
  std::string kindOf() override { return "fake"; }
  ProgramOptions options() override { return fakeKindOptions(scratch_); }
};

class ProcessSample : public ProgramSample {
 public:
  ProcessSample() { ::setenv("MUSTER_PROVISIONERS", MUSTER_CONFIG_DIR "/provisioners", 1); }

  std::unique_ptr<Provisioner> makeBroken() override {
    ProgramOptions broken = options();
    broken.agentProgram = "/bin/false";
    broken.readyTime = std::chrono::seconds(1);
    return std::make_unique<ProgramProvisioner>(broken);
  }
  std::vector<BadFile> badFiles() override {
    return {{"provisioner: process\nsubnet: [127.0.1]\nnodes: {a: {role: x}}", "2:9"},
            {"provisioner: process\nsubnet: 10.0.0\nnodes: {a: {role: x}}", "2:9"},
            {"provisioner: process\nnodes: {a: {role: x, subnet: 127.0.1}}", "2:22"}};
  }

 protected:
  std::string kindOf() override { return "process"; }
  ProgramOptions options() override {
    ProgramOptions options;
    options.program = MUSTER_CONFIG_DIR "/provisioners/muster-provisioner-process";
    options.kind = kindOf();
    options.store = ClusterStore(scratch_.path() + "/clusters");
    options.readyTime = std::chrono::seconds(60);
    options.agentProgram = findProgram("nodeagent");
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(fake, ProvisionerContractTest, ::testing::Values(&makeSample<FakeSample>));
INSTANTIATE_TEST_SUITE_P(process, ProvisionerContractTest,
                         ::testing::Values(&makeSample<ProcessSample>));

}  // namespace
}  // namespace harness
