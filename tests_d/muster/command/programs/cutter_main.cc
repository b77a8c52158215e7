// A controller that cuts a node off and stays until it is killed.
//
//   cutter CLUSTER NODE LEASE_MS
//
// Its sessions have a short lease, so that a test sees their end. When the cut is witnessed it says
// "cut" on standard output.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include <muster/muster.h>

#include "harness/provision/choice.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/fault/injected_fault.h"

namespace {

int cut(const std::string& name, const std::string& victim, std::chrono::milliseconds lease) {
  harness::Choice choice = harness::chooseCluster(name);
  const auto& cluster = std::get<harness::ExistingCluster>(choice).description;
  harness::ControllerOptions options;
  options.lease = lease;
  harness::Controller controller(options);
  std::vector<harness::ControllerNode*> nodes;
  std::vector<std::string> others;
  for (const harness::NodeDescription& node : cluster.nodes) {
    nodes.push_back(&controller.connect(node));
    if (node.name != victim) others.push_back(node.name);
  }
  auto fault = harness::rpc::InjectedFault::inject(
      nodes, harness::fault::isolate(victim, others), {}, std::chrono::nanoseconds(0),
      std::chrono::steady_clock::now() + std::chrono::seconds(20));
  std::printf("cut %s\n", fault.id().c_str());
  std::fflush(stdout);
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  try {
    return cut(argv[1], argv[2], std::chrono::milliseconds(std::atol(argv[3])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cutter: %s\n", error.what());
    return 1;
  }
}
