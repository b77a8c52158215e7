#include "harness/rpc/change/changes.h"

#include <kj/encoding.h>

#include "harness/rpc/bytes.h"
#include "harness/rpc/change/change_wire.h"
#include "harness/rpc/node_calls.h"
#include "schema/support/base/id.h"

namespace harness {

std::string toString(ChangeInfo::State state) {
  switch (state) {
    case ChangeInfo::State::kMaking:
      return "making";
    case ChangeInfo::State::kMade:
      return "made";
    case ChangeInfo::State::kUndoing:
      return "undoing";
    case ChangeInfo::State::kFailed:
      return "failed";
    case ChangeInfo::State::kUnspecified:
      break;
  }
  return "unknown";
}

namespace rpc {
namespace {

std::string bytesOf(const support::Id& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

std::string bytesOfHex(const std::string& hex) {
  auto decoded = kj::decodeHex(kj::arrayPtr(hex.data(), hex.size()));
  return {reinterpret_cast<const char*>(decoded.begin()), decoded.size()};
}

kj::Promise<std::vector<ChangeInfo>> askForList(EstablishedConnection& connection) {
  return connection.get<wire::ChangeView>().listRequest().send().then([](auto&& response) {
    requireNoError(response);
    std::vector<ChangeInfo> infos;
    for (auto change : response.getChanges()) infos.push_back(readChangeInfo(change));
    return infos;
  });
}

}  // namespace

ChangeInfo Changes::make(const muster::ChangeSpec& spec, muster::UndoAt undo,
                         SteadyTime until) const {
  std::string operation = operationOf(spec);
  if (undo == muster::UndoAt::kNever) {
    throw muster::NodeError(muster::NodeError::Kind::kInvalid, node_.description().name, operation,
                            "a change is always taken back; give kTestEnd or kSessionEnd");
  }
  std::string id = bytesOf(support::Id::random());
  auto attempt = [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Changes>().makeRequest();
    writeChangeSpec(request.initSpec(), id, spec);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return readChangeInfo(response.getStatus());
    });
  };
  return ask<ChangeInfo>(node_, operation, until, attempt, scopeOf(node_, undo));
}

bool Changes::undo(const std::string& id, SteadyTime until) const {
  return ask<bool>(node_, "undo change " + id.substr(0, 8), until,
                   [bytes = bytesOfHex(id)](EstablishedConnection& connection) {
                     auto request = connection.get<wire::Changes>().undoRequest();
                     request.setId(dataOf(bytes));
                     return request.send().then([](auto&& response) {
                       requireNoError(response);
                       return response.getFound();
                     });
                   });
}

std::vector<ChangeInfo> Changes::list(SteadyTime until) const {
  return ask<std::vector<ChangeInfo>>(node_, "list changes", until, askForList);
}

std::vector<std::variant<std::vector<ChangeInfo>, muster::NodeError>> listChanges(
    const std::vector<ControllerNode*>& nodes, SteadyTime until) {
  using Infos = std::vector<ChangeInfo>;
  return askAll<Infos>(nodes, "list changes", until, [until](ControllerNode::Impl& node) {
    return node.connection().call<Infos>(until, askForList);
  });
}

}  // namespace rpc
}  // namespace harness
