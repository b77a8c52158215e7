#include "harness/rpc/diagnosis/diagnosis.h"

#include "harness/rpc/bytes.h"
#include "harness/rpc/node_calls.h"
#include "schema/diagnosis.capnp.h"

namespace harness::rpc {
namespace {

Crash::Source sourceOf(wire::Crash::Source source) {
  switch (source) {
    case wire::Crash::Source::UNSPECIFIED:
      break;
    case wire::Crash::Source::COMMAND:
      return Crash::Source::kCommand;
    case wire::Crash::Source::MEMORY:
      return Crash::Source::kMemory;
    case wire::Crash::Source::REPORT:
      return Crash::Source::kReport;
    case wire::Crash::Source::KERNEL:
      return Crash::Source::kKernel;
    case wire::Crash::Source::CORE:
      return Crash::Source::kCore;
    case wire::Crash::Source::JOURNAL:
      return Crash::Source::kJournal;
    case wire::Crash::Source::SERVICE:
      return Crash::Source::kService;
  }
  return Crash::Source::kUnknown;
}

// The commands of a node have numbers that are unique in our session.
Crash readCrash(wire::Crash::Reader from, const JobRunner& jobs) {
  Crash crash;
  crash.source = sourceOf(from.getSource());
  crash.key = stringOf(from.getKey());
  crash.pid = from.getPid();
  crash.program = stringOf(from.getProgram());
  crash.signal = from.getSignal();
  bool isOfCommand = crash.source == Crash::Source::kCommand && from.getJobNumber() != 0;
  crash.isOwnMatter = from.getProvoked() || (isOfCommand && jobs.hasTold(from.getJobNumber()));
  crash.wasDumped = from.getDumped();
  crash.wasOutOfMemory = from.getOutOfMemory();
  crash.path = stringOf(from.getPath());
  crash.executable = stringOf(from.getExecutable());
  crash.text = stringOf(from.getText());
  return crash;
}

kj::Promise<CrashLook> askCrashes(ControllerNode::Impl& node, const CrashMark& since,
                                  SteadyTime until) {
  return node.connection().call<CrashLook>(until, [&node, since](EstablishedConnection& live) {
    auto request = live.get<wire::Diagnosis>().crashesRequest();
    auto from = request.initFrom();
    from.setEpoch(dataOf(since.epoch));
    from.setPosition(since.position);
    from.setRealtimeNs(since.realtimeNs);
    return request.send().then([&node](auto&& response) {
      requireNoError(response);
      CrashLook look;
      for (auto crash : response.getCrashes())
        look.crashes.push_back(readCrash(crash, node.jobs()));
      auto next = response.getNext();
      look.next = {stringOf(next.getEpoch()), next.getPosition(), next.getRealtimeNs()};
      return look;
    });
  });
}

// An agent that is older than the service does not grant it.
bool isMissing(const std::variant<CrashLook, muster::NodeError>& answer) {
  auto* error = std::get_if<muster::NodeError>(&answer);
  if (error == nullptr) return false;
  return error->kind() == muster::NodeError::Kind::kDenied ||
         error->kind() == muster::NodeError::Kind::kUnsupported;
}

}  // namespace

std::vector<std::variant<CrashLook, muster::NodeError>> lookForCrashes(
    const std::vector<ControllerNode*>& nodes, const std::vector<CrashMark>& since,
    SteadyTime until) {
  // askAll calls for the nodes in order.
  size_t next = 0;
  auto answers = askAll<CrashLook>(
      nodes, "look for crashes", until,
      [&](ControllerNode::Impl& node) { return askCrashes(node, since[next++], until); });
  for (auto& answer : answers) {
    if (isMissing(answer)) answer = CrashLook();
  }
  return answers;
}

std::vector<std::variant<std::string, muster::NodeError>> describeProcesses(
    const std::vector<ControllerNode*>& nodes, SteadyTime until) {
  return askAll<std::string>(nodes, "describe processes", until, [&](ControllerNode::Impl& node) {
    return node.connection().call<std::string>(until, [](EstablishedConnection& live) {
      return live.get<wire::Diagnosis>().processesRequest().send().then([](auto&& response) {
        requireNoError(response);
        return stringOf(response.getText());
      });
    });
  });
}

}  // namespace harness::rpc
