#include "harness/rpc/sync/waiting.h"

#include "harness/rpc/bytes.h"
#include "harness/rpc/node_calls.h"
#include "schema/support/base/id.h"
#include "schema/sync.capnp.h"

namespace harness::rpc {
namespace {

WaitingCommand readWaiting(wire::WaitingCommand::Reader from) {
  WaitingCommand command;
  command.job = {support::hex(from.getSessionId()), from.getJob()};
  command.command = stringOf(from.getCommand());
  command.identity = stringOf(from.getIdentity());
  command.name = stringOf(from.getName());
  command.isBarrier = from.getIsBarrier();
  command.count = from.getCount();
  command.waited = std::chrono::nanoseconds(from.getWaitedNs());
  command.remaining = std::chrono::nanoseconds(from.getRemainingNs());
  return command;
}

}  // namespace

std::vector<std::variant<std::vector<WaitingCommand>, muster::NodeError>> listWaiting(
    const std::vector<ControllerNode*>& nodes, SteadyTime until) {
  using Commands = std::vector<WaitingCommand>;
  return askAll<Commands>(nodes, "list barriers", until, [until](ControllerNode::Impl& node) {
    return node.connection().call<Commands>(until, [](EstablishedConnection& connection) {
      return connection.get<wire::SyncView>().waitsRequest().send().then([](auto&& response) {
        requireNoError(response);
        Commands commands;
        for (auto each : response.getWaits()) commands.push_back(readWaiting(each));
        return commands;
      });
    });
  });
}

}  // namespace harness::rpc
