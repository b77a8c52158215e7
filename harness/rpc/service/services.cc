#include "harness/rpc/service/services.h"

#include <algorithm>

#include "harness/rpc/node_calls.h"
#include "harness/rpc/service/service_wire.h"
#include "harness/values/failure_text.h"

namespace harness::rpc {
namespace {

constexpr std::chrono::minutes kDeadlineMax{10};

// So that the agent answers before our own time is over.
constexpr std::chrono::milliseconds kMargin{100};

const char* verbOf(muster::ServiceAction action) {
  switch (action) {
    case muster::ServiceAction::kStart:
      return "start";
    case muster::ServiceAction::kStop:
      return "stop";
    case muster::ServiceAction::kRestart:
      return "restart";
    case muster::ServiceAction::kReload:
      return "reload";
    case muster::ServiceAction::kEnable:
      return "enable";
    case muster::ServiceAction::kDisable:
      return "disable";
  }
  return "act on";
}

constexpr auto statusOf = [](auto&& response) {
  requireNoError(response);
  return readServiceStatus(response.getStatus());
};

}  // namespace

muster::ServiceStatus Services::status(const std::string& name, SteadyTime until) const {
  return ask<muster::ServiceStatus>(
      node_, "status of service " + quoted(name), until, [&](EstablishedConnection& connection) {
        auto request = connection.get<wire::ServiceView>().statusRequest();
        request.setName(name);
        return request.send().then(statusOf);
      });
}

muster::ServiceStatus Services::act(const std::string& name, muster::ServiceAction action,
                                    SteadyTime until) const {
  std::string operation = std::string(verbOf(action)) + " service " + quoted(name);
  return ask<muster::ServiceStatus>(
      node_, operation, until, [&](EstablishedConnection& connection) {
        auto left = std::chrono::nanoseconds(until - std::chrono::steady_clock::now());
        auto limit = std::clamp<std::chrono::nanoseconds>(left - kMargin, kMargin, kDeadlineMax);
        auto request = connection.get<wire::Services>().actRequest();
        request.setName(name);
        request.setAction(writeServiceAction(action));
        request.setDeadlineNs(limit.count());
        return request.send().then(statusOf);
      });
}

}  // namespace harness::rpc
