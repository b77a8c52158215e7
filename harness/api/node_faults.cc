#include <ostream>
#include <variant>

#include <muster/cluster.h>
#include <muster/deadline.h>
#include <muster/node_faults.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/fault/node_effect.h"
#include "harness/rpc/fault/faults.h"
#include "harness/rpc/fault/injected_fault.h"

namespace muster {

using harness::at;
using harness::rpc::InjectedFault;

namespace {

constexpr std::chrono::seconds kDownMin{1};
constexpr std::chrono::minutes kDownMax{10};

Fault begin(const std::vector<harness::ControllerNode*>& nodes,
            const harness::fault::NodeEffect& effect, std::source_location where) {
  return at(where, [&] {
    return harness::ApiAccess::fault(std::make_unique<InjectedFault>(InjectedFault::onNodes(
        nodes, effect, std::chrono::nanoseconds(0), DeadlineScope::current())));
  });
}

}  // namespace

NodeFaults Cluster::faultsOn(const Node& node) const {
  return harness::ApiAccess::nodeFaults({&harness::ApiAccess::behind(node)});
}

NodeFaults Cluster::faultsOn(const NodeSet& nodes) const {
  std::vector<harness::ControllerNode*> behind;
  for (Node& node : nodes) behind.push_back(&harness::ApiAccess::behind(node));
  return harness::ApiAccess::nodeFaults(std::move(behind));
}

Fault NodeFaults::pause(const ProcessChoice& processes, Where where) const {
  return begin(nodes_, harness::fault::Pause{processes}, where);
}

Fault NodeFaults::useUpDescriptors(const ProcessChoice& processes, uint32_t leave,
                                   Where where) const {
  return begin(nodes_, harness::fault::UseUpDescriptors{processes, leave}, where);
}

Fault NodeFaults::useMemory(const MemoryUse& use, Where where) const {
  return begin(nodes_, harness::fault::UseMemory{use.bytes, use.leave}, where);
}

Fault NodeFaults::useCpu(uint32_t threads, Where where) const {
  return begin(nodes_, harness::fault::UseCpu{threads}, where);
}

Fault NodeFaults::fillDisk(const std::string& directory, const FullDiskOptions& options,
                           Where where) const {
  return begin(nodes_, harness::fault::FillDisk{directory, options.leave, options.evenOurs}, where);
}

Fault NodeFaults::makeReadOnly(const std::string& directory, Where where) const {
  return begin(nodes_, harness::fault::MakeReadOnly{directory}, where);
}

Fault NodeFaults::disturbDisk(const std::string& directory, const DiskDisturbance& disturbance,
                              Where where) const {
  return begin(nodes_, harness::fault::DisturbDisk{directory, disturbance}, where);
}

Fault NodeFaults::takeDown(const std::string& interface, Where where) const {
  return begin(nodes_, harness::fault::TakeDown{interface}, where);
}

void NodeFaults::takeDownFor(const std::string& interface, std::chrono::nanoseconds time,
                             Where where) const {
  at(where, [&] {
    if (nodes_.size() != 1 || time < kDownMin || time > kDownMax) {
      throw NodeError(NodeError::Kind::kInvalid, "", "take interface " + interface + " down",
                      "it is for one node, and a time from 1 s to 10 min");
    }
    InjectedFault::takeDownFor(*nodes_.front(), interface, time, DeadlineScope::current());
  });
}

std::vector<KilledProcess> NodeFaults::kill(const ProcessChoice& processes, Where where) const {
  return at(where, [&] {
    auto answers = harness::rpc::killProcesses(nodes_, processes, DeadlineScope::current());
    std::vector<KilledProcess> killed;
    for (size_t i = 0; i < answers.size(); ++i) {
      if (auto* error = std::get_if<NodeError>(&answers[i])) throw *error;
      for (const auto& process : std::get<std::vector<harness::ProcessName>>(answers[i])) {
        killed.push_back({nodes_[i]->description().name, process.pid, process.name});
      }
    }
    return killed;
  });
}

void PrintTo(const ProcessChoice& processes, std::ostream* out) {
  *out << harness::fault::toString(processes);
}

void PrintTo(const KilledProcess& killed, std::ostream* out) {
  *out << killed.name << " (" << killed.pid << ") of " << killed.node;
}

}  // namespace muster
