// Gives clusters of this machine itself to the contract's tests, reached by a real ssh server on
// loopback. The server has a /run of its own, and with it the agents that are started through it.
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/os/command.h"
#include "harness/os/process.h"
#include "harness/os/program_path.h"
#include "harness/provision/contract_testing.h"
#include "harness/provision/ssh/ssh_testing.h"

namespace harness {
namespace {

class SshSample : public ContractSample {
 public:
  std::string missing() override {
    if (::geteuid() != 0) return "a server of ssh needs root";
    return programInPath("/usr/sbin/sshd").empty() ? "openssh-server is not installed" : "";
  }
  std::string file(const std::string& cluster, size_t nodes) override {
    std::string text = "name: " + cluster + "\nprovisioner: ssh\n" + server().keys() + "nodes:\n";
    for (size_t i = 1; i <= nodes; ++i) {
      text += "  node" + std::to_string(i) + ": {role: server, host: 127.0.0.1, agent_port: " +
              std::to_string(server().port() + i) + "}\n";
    }
    return text;
  }
  std::unique_ptr<Provisioner> make() override {
    return std::make_unique<ProgramProvisioner>(options());
  }
  std::unique_ptr<Provisioner> makeBroken() override {
    ProgramOptions broken = options();
    broken.agentProgram = "/bin/false";
    return std::make_unique<ProgramProvisioner>(broken);
  }
  std::string leftovers(const std::string& cluster) override {
    return programLeftovers(options().store, cluster) + server().leftovers();
  }
  std::vector<BadFile> badFiles() override {
    return {{"provisioner: ssh\nnodes: {a: {role: x}}", "2:9"},
            {"provisioner: ssh\nnodes: {a: {role: x, host: -oX}}", "2:28"},
            {"provisioner: ssh\nnodes: {a: {role: x, host: h, port: 0}}", "2:37"},
            {"provisioner: ssh\nstart: upstart\nnodes: {a: {role: x, host: h}}", "2:8"},
            {"provisioner: ssh\nnodes: {a: {role: x, host: h}, b: {role: x, host: h}}", "2:51"}};
  }

 private:
  SshServer& server() {
    if (!server_) server_ = std::make_unique<SshServer>();
    return *server_;
  }
  ProgramOptions options() {
    ProgramOptions options;
    options.program = findProgram("muster-provisioner-ssh");
    options.kind = "ssh";
    options.store = ClusterStore(server().directory() + "/clusters");
    options.readyTime = std::chrono::seconds(60);
    options.agentProgram = findProgram("nodeagent");
    return options;
  }

  std::unique_ptr<SshServer> server_;
};

INSTANTIATE_TEST_SUITE_P(ssh, ProvisionerContractTest, ::testing::Values(&makeSample<SshSample>));

}  // namespace
}  // namespace harness
