#include "harness/rpc/service/services.h"

#include <algorithm>

#include "harness/rpc/bytes.h"
#include "harness/rpc/node_calls.h"
#include "harness/rpc/service/service_wire.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness::rpc {
namespace {

using muster::ServiceAction;
using muster::ServiceStatus;
using Impl = ControllerNode::Impl;
using WireKind = wire::Error::Kind;
using Nanoseconds = std::chrono::nanoseconds;

constexpr std::chrono::minutes kDeadlineMax{10};
constexpr std::chrono::seconds kWaitMax{20};

// So that the agent answers before our own time is over.
constexpr std::chrono::milliseconds kMargin{100};

// A node takes this long at most for its answer when a wait is over: 10 s for a look that has just
// begun, twice 5 s for the journal, and time to end programs that do not.
constexpr std::chrono::seconds kAnswerMax{25};

constexpr auto statusOf = [](auto&& response) {
  requireNoError(response);
  return readServiceStatus(response.getStatus());
};

std::string textOf(const ServiceName& name) {
  std::string text = "service " + inQuotes(name.name);
  return name.user.empty() ? text : text + " of user " + inQuotes(name.user);
}

Nanoseconds leftUntil(SteadyTime until) {
  return until - std::chrono::steady_clock::now();
}

kj::Promise<ServiceStatus> askStatus(Impl& node, const ServiceName& name, SteadyTime until) {
  return node.connection().call<ServiceStatus>(until, [name](EstablishedConnection& connection) {
    auto request = connection.get<wire::ServiceView>().statusRequest();
    request.setName(name.name);
    request.setUser(name.user);
    return request.send().then(statusOf);
  });
}

kj::Promise<ServiceStatus> askToAct(Impl& node, const ServiceName& name,
                                    const ServiceChange& change, SteadyTime until) {
  bool isOfTest = change.undo == muster::UndoAt::kTestEnd;
  ScopeHandle scope = isOfTest ? node.scopes.current() : nullptr;
  auto attempt = [name, change, until](EstablishedConnection& connection) {
    auto request = connection.get<wire::Services>().actRequest();
    request.setName(name.name);
    request.setUser(name.user);
    request.setAction(writeServiceAction(change.action));
    request.setSignal(change.signal);
    bool isUndone = change.undo != muster::UndoAt::kNever;
    request.setRestore(isUndone);
    request.setDeadlineNs(
        std::clamp<Nanoseconds>(leftUntil(until) - kMargin, kMargin, kDeadlineMax).count());
    return request.send().then(statusOf);
  };
  return node.connection().call<ServiceStatus>(until, std::move(attempt), scope);
}

// What one call of awaitActive has seen.
struct Look {
  ServiceStatus status;
  int64_t mark = 0;
  std::string log;
};

Look readLook(wire::ServiceView::AwaitActiveResults::Reader from) {
  Look look{readServiceStatus(from.getStatus()), from.getMarkRealtimeNs(), {}};
  for (auto line : from.getJournal()) {
    look.log += "\n  log: " + support::printable(stringOf(line));
  }
  if (look.log.empty()) look.log = "; no log: " + stringOf(from.getJournalNote());
  return look;
}

std::string stateText(const ServiceStatus& status) {
  std::string text = toString(status.state);
  if (!status.substate.empty()) text += " (" + support::printable(status.substate) + ")";
  return text;
}

// Waits until `until`, by as many calls as that takes.
kj::Promise<ServiceStatus> askUntilActive(Impl& node, const ServiceName& name, SteadyTime until,
                                          SteadyTime limit, int64_t mark) {
  SteadyTime answerBy = std::min(limit, until + kAnswerMax);
  auto attempt = [name, until, mark](EstablishedConnection& connection) {
    auto request = connection.get<wire::ServiceView>().awaitActiveRequest();
    request.setName(name.name);
    request.setUser(name.user);
    request.setMarkRealtimeNs(mark);
    request.setWaitNs(
        std::clamp<Nanoseconds>(leftUntil(until) - kMargin, Nanoseconds(0), kWaitMax).count());
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return readLook(response);
    });
  };
  return node.connection()
      .call<Look>(answerBy, std::move(attempt))
      .then([&node, name, until, limit](Look&& look) -> kj::Promise<ServiceStatus> {
        if (look.status.running()) return kj::mv(look.status);
        if (look.status.state == ServiceStatus::State::kFailed) {
          support::fail(WireKind::SYSTEM, "it has ", stateText(look.status).c_str(),
                        look.log.c_str());
        }
        if (leftUntil(until) > kMargin) return askUntilActive(node, name, until, limit, look.mark);
        support::fail(WireKind::TIMEOUT, "it does not run in time; it is ",
                      stateText(look.status).c_str(), look.log.c_str());
      });
}

std::string waitText(const ServiceName& name) {
  return "wait until " + textOf(name) + " runs";
}

}  // namespace

const char* wordOf(ServiceAction action) {
  switch (action) {
    case ServiceAction::kStart:
      return "start";
    case ServiceAction::kStop:
      return "stop";
    case ServiceAction::kRestart:
      return "restart";
    case ServiceAction::kReload:
      return "reload";
    case ServiceAction::kEnable:
      return "enable";
    case ServiceAction::kDisable:
      return "disable";
    case ServiceAction::kMask:
      return "mask";
    case ServiceAction::kUnmask:
      return "unmask";
    case ServiceAction::kResetFailed:
      return "reset-failed";
    case ServiceAction::kKill:
      return "kill";
  }
  return "act on";
}

ServiceStatus Services::status(const ServiceName& name, SteadyTime until) const {
  Impl& node = node_.impl();
  return node.told("call", "status of " + textOf(name), until,
                   [&]() { return askStatus(node, name, until); });
}

ServiceStatus Services::act(const ServiceName& name, const ServiceChange& change,
                            SteadyTime until) const {
  Impl& node = node_.impl();
  return node.told("call", wordOf(change.action) + (" " + textOf(name)), until,
                   [&]() { return askToAct(node, name, change, until); });
}

ServiceStatus Services::awaitActive(const ServiceName& name, SteadyTime until,
                                    SteadyTime limit) const {
  Impl& node = node_.impl();
  return node.told("wait", waitText(name), limit,
                   [&]() { return askUntilActive(node, name, until, limit, 0); });
}

std::vector<ServiceAnswer> statusOnAll(const std::vector<ControllerNode*>& nodes,
                                       const ServiceName& name, SteadyTime until) {
  return askAll<ServiceStatus>(nodes, "status of " + textOf(name), until,
                               [&](Impl& node) { return askStatus(node, name, until); });
}

std::vector<ServiceAnswer> actOnAll(const std::vector<ControllerNode*>& nodes,
                                    const ServiceName& name, const ServiceChange& change,
                                    SteadyTime until) {
  return askAll<ServiceStatus>(nodes, wordOf(change.action) + (" " + textOf(name)), until,
                               [&](Impl& node) { return askToAct(node, name, change, until); });
}

std::vector<ServiceAnswer> awaitActiveOnAll(const std::vector<ControllerNode*>& nodes,
                                            const ServiceName& name, SteadyTime until,
                                            SteadyTime limit) {
  return askAll<ServiceStatus>(nodes, waitText(name), limit, [&](Impl& node) {
    return askUntilActive(node, name, until, limit, 0);
  });
}

}  // namespace harness::rpc
