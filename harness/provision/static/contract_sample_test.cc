// Static clusters for the contract's tests: fake agents that this test starts stand for those that
// somebody else would.
#include <stdlib.h>

#include <filesystem>

#include "harness/os/process.h"
#include "harness/provision/contract_testing.h"
#include "harness/provision/programs.h"
#include "harness/provision/static/static.h"

namespace harness {
namespace {

constexpr size_t kAgents = 2;

class StaticSample : public ContractSample {
 public:
  StaticSample() {
    char pattern[] = "/tmp/muster-static-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    for (size_t i = 1; i <= kAgents; ++i) {
      agents_.push_back(
          spawn({.argv = {findProgram("muster-fake-nodeagent"), "--socket=" + socket(i)}}));
      waitUntil(after(std::chrono::seconds(10)),
                [&] { return std::filesystem::exists(socket(i)); });
    }
  }
  ~StaticSample() override {
    for (Child& agent : agents_) agent.endBy(after(std::chrono::seconds(0)));
    std::filesystem::remove_all(directory_);
  }

  std::string file(const std::string& cluster, size_t nodes) override {
    std::string text = head(cluster);
    for (size_t i = 1; i <= nodes; ++i) text += node(i, socket(i));
    return text;
  }
  std::unique_ptr<Provisioner> make() override { return std::make_unique<StaticProvisioner>(); }
  std::string brokenFile(const std::string& cluster) override {
    return head(cluster) + node(1, directory_ + "/nobody.sock");
  }
  std::string leftovers(const std::string&) override { return ""; }
  std::vector<BadFile> badFiles() override {
    return {
        {"provisioner: static\nnodes: {a: {role: x}}", "2:9"},
        {"provisioner: static\nnodes: {a: {role: x, address: node 7}}", "2:31"},
        {"provisioner: static\nnodes: {a: {role: x, init: systemd}}", "2:22"},
        {"provisioner: static\ntls: {key: k}\nnodes: {a: {role: x, address: \"[::1]:1\"}}", "2:6"}};
  }

 private:
  static std::string head(const std::string& cluster) {
    return "name: " + cluster + "\nprovisioner: static\nnodes:\n";
  }
  static std::string node(size_t number, const std::string& path) {
    return "  node" + std::to_string(number) + ": {role: server, address: \"unix:" + path + "\"}\n";
  }
  std::string socket(size_t number) const {
    return directory_ + "/agent" + std::to_string(number) + ".sock";
  }

  std::string directory_;
  std::vector<Child> agents_;
};

INSTANTIATE_TEST_SUITE_P(static, ProvisionerContractTest,
                         ::testing::Values(&makeSample<StaticSample>));

}  // namespace
}  // namespace harness
