#include "harness/rpc/fault/faults.h"

#include "harness/fault/node_effect.h"
#include "harness/rpc/bytes.h"
#include "harness/rpc/fault/fault_wire.h"
#include "harness/rpc/node_calls.h"
#include "schema/support/base/id.h"

namespace harness::rpc {

std::vector<std::variant<std::vector<FaultInfo>, muster::NodeError>> listFaults(
    const std::vector<ControllerNode*>& nodes, SteadyTime until) {
  using Infos = std::vector<FaultInfo>;
  return askAll<Infos>(nodes, "list faults", until, [until](ControllerNode::Impl& node) {
    return node.connection().call<Infos>(until, [](EstablishedConnection& connection) {
      return connection.get<wire::FaultView>().listRequest().send().then([](auto&& response) {
        requireNoError(response);
        Infos infos;
        for (auto fault : response.getFaults()) infos.push_back(readFaultInfo(fault));
        return infos;
      });
    });
  });
}

std::vector<std::variant<std::vector<ProcessName>, muster::NodeError>> killProcesses(
    const std::vector<ControllerNode*>& nodes, const muster::ProcessChoice& processes,
    SteadyTime until) {
  using Killed = std::vector<ProcessName>;
  fault::check(processes);
  std::string id = idBytes(support::Id::random().text());
  return askAll<Killed>(
      nodes, "kill " + fault::toString(processes), until, [&](ControllerNode::Impl& node) {
        return node.connection().call<Killed>(until, [id, processes](EstablishedConnection& live) {
          auto request = live.get<wire::Faults>().killRequest();
          request.setId(dataOf(id));
          writeProcesses(request.initProcesses(), processes);
          return request.send().then([](auto&& response) {
            requireNoError(response);
            Killed killed;
            for (auto process : response.getKilled()) {
              killed.push_back({process.getPid(), stringOf(process.getName())});
            }
            return killed;
          });
        });
      });
}

std::vector<std::variant<FaultHealed, muster::NodeError>> healFault(
    const std::vector<ControllerNode*>& nodes, const std::string& id, SteadyTime until) {
  std::string bytes = idBytes(id);
  return askAll<FaultHealed>(
      nodes, "heal fault " + id.substr(0, 8), until, [until, bytes](ControllerNode::Impl& node) {
        return node.connection().call<FaultHealed>(
            until, [bytes](EstablishedConnection& connection) {
              auto request = connection.get<wire::Faults>().healRequest();
              request.setId(dataOf(bytes));
              return request.send().then([](auto&& response) {
                requireNoError(response);
                return FaultHealed{response.getFound(), readFaultInfo(response.getStatus()),
                                   response.getOthers()};
              });
            });
      });
}

}  // namespace harness::rpc
