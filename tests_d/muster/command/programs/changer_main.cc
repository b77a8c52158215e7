// A controller that changes settings of a node and stays until it is killed.
//
//   changer CLUSTER NODE LEASE_MS
//
// Its session has a short lease, so that a test sees its end.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <variant>

#include <muster/muster.h>

#include "harness/provision/choice.h"
#include "harness/rpc/change/changes.h"
#include "harness/rpc/controller.h"

namespace {

int change(const std::string& name, const std::string& node, std::chrono::milliseconds lease) {
  harness::Choice choice = harness::chooseCluster(name);
  const auto& cluster = std::get<harness::ExistingCluster>(choice).description;
  harness::ControllerOptions options;
  options.lease = lease;
  harness::Controller controller(options);
  for (const harness::NodeDescription& description : cluster.nodes) {
    if (description.name != node) continue;
    harness::rpc::Changes changes(controller.connect(description));
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (const muster::ChangeSpec& spec : std::initializer_list<muster::ChangeSpec>{
             muster::TmpfsMount{.directory = "/mnt/held", .bytes = 1 << 20},
             muster::HostsEntry{.address = "10.99.7.7", .names = {"held"}},
             muster::VethPair{.name = "m0", .peer = "m1"}}) {
      changes.make(spec, muster::UndoAt::kSessionEnd, until);
    }
    for (;;) pause();
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  try {
    return change(argv[1], argv[2], std::chrono::milliseconds(std::atol(argv[3])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "changer: %s\n", error.what());
    return 1;
  }
}
