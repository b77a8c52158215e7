#include "harness/rpc/fault/injected_fault.h"

#include <algorithm>
#include <set>

#include <muster/facts.h>
#include <muster/node_error.h>

#include "harness/rpc/bytes.h"
#include "harness/rpc/facts/facts_wire.h"
#include "harness/rpc/fault/fault_wire.h"
#include "harness/rpc/fault/faults.h"
#include "harness/rpc/node_calls.h"
#include "harness/values/look_again.h"
#include "schema/support/base/id.h"

namespace harness::rpc {
namespace {

using muster::NodeError;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// The time for either witness to show, from the moment when the nodes have done their part.
constexpr nanoseconds kWitnessMax = 5s;
// An answer comes within the round trip, but the kernel limits how often it refuses datagrams.
constexpr nanoseconds kAnswerMax = 500ms;
constexpr nanoseconds kSilence = 100ms;
constexpr size_t kProbesPerCall = 64;
// Probes of a lossy fault are repeated, because most of them get through.
constexpr size_t kLossRepeats = 16;
// The end of a fault that could not be witnessed has a time of its own.
constexpr nanoseconds kRollbackMax = 15s;
constexpr nanoseconds kLookPause = 100ms;

// Returns the values, or throws the first error.
template <typename T>
std::vector<T> allOf(std::vector<std::variant<T, NodeError>> answers) {
  std::vector<T> values;
  for (auto& answer : answers) {
    if (auto* error = std::get_if<NodeError>(&answer)) throw *error;
    values.push_back(std::move(std::get<T>(answer)));
  }
  return values;
}

// The addresses from which a node sends, from its own facts.
std::vector<std::string> addressesIn(const muster::Facts& facts) {
  std::vector<std::string> addresses;
  for (const auto& interface : facts.interfaces) {
    if (interface.loopback) continue;
    for (const auto& address : interface.addresses) {
      if (address.scope != "host") addresses.push_back(address.text);
    }
  }
  return addresses;
}

// Returns the interface by which the others reach the node; empty if none has its address.
std::string interfaceOf(const muster::Facts& facts, const NodeDescription& node) {
  std::string any;
  for (const auto& interface : facts.interfaces) {
    if (interface.loopback) continue;
    for (const auto& address : interface.addresses) {
      if (!node.addresses.empty() && address.text == node.addresses.front()) return interface.name;
      if (any.empty() && address.scope == "global") any = interface.name;
    }
  }
  return node.addresses.empty() ? any : "";
}

void addMissing(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const std::string& address : from) {
    if (std::find(to.begin(), to.end(), address) == to.end()) to.push_back(address);
  }
}

kj::Promise<std::vector<bool>> askProbes(Connection& connection,
                                         const std::vector<fault::Probe>& probes,
                                         const muster::FaultOptions& options, nanoseconds wait,
                                         SteadyTime until) {
  return connection.call<std::vector<bool>>(until, [=](EstablishedConnection& live) {
    auto request = live.get<wire::Faults>().probeRequest();
    request.setWaitNs(wait.count());
    auto list = request.initProbes(static_cast<uint32_t>(probes.size()));
    bool isUdp = options.protocol == muster::FaultOptions::Protocol::kUdp;
    bool isTcp =
        !isUdp && (options.port != 0 || options.protocol == muster::FaultOptions::Protocol::kTcp);
    for (uint32_t i = 0; i < probes.size(); ++i) {
      list[i].setAddress(probes[i].address.c_str());
      list[i].setProtocol(isTcp ? wire::Drop::Protocol::TCP : wire::Drop::Protocol::UDP);
      list[i].setPort(options.port);
    }
    return request.send().then([](auto&& response) {
      requireNoError(response);
      std::vector<bool> answered;
      for (bool each : response.getAnswered()) answered.push_back(each);
      return answered;
    });
  });
}

}  // namespace

InjectedFault InjectedFault::inject(const std::vector<ControllerNode*>& nodes,
                                    const fault::Shape& shape, const muster::FaultOptions& options,
                                    nanoseconds hold, SteadyTime until) {
  fault::check(shape, options);
  InjectedFault fault;
  fault.setUp(nodes, shape, options, until);
  fault.begin(hold, until, [&](SteadyTime end) { fault.awaitActive(end); });
  return fault;
}

InjectedFault InjectedFault::degrade(const std::vector<ControllerNode*>& nodes,
                                     const muster::Degradation& degradation, nanoseconds hold,
                                     SteadyTime until) {
  const NodeDescription& victim = nodes.front()->description();
  fault::Shape shape = fault::degrade(victim.name);
  fault::check(shape, degradation);
  InjectedFault fault;
  fault.plan_.shape = shape;
  fault.plan_.degradation = degradation;
  fault.id_ = support::Id::random().text();
  for (ControllerNode* node : nodes) {
    const NodeDescription& other = node->description();
    fault.nodes_[other.name] = node;
    fault.bootIds_[other.name] = node->state().bootId;
    if (other.name == victim.name || other.addresses.empty()) continue;
    fault.plan_.probes.push_back({victim.name, other.name, other.addresses.front()});
  }
  auto facts = allOf(askAll<muster::Facts>(
      {nodes.front()}, toString(shape), until,
      [until](ControllerNode::Impl& node) { return askFacts(node.connection(), until); }));
  std::string interface = interfaceOf(facts.front(), victim);
  if (interface.empty()) fault.fail(victim.name, "no interface has the node's address");
  fault.plan_.parts.push_back({victim.name, {}, {}, interface});
  fault.begin(hold, until, [&](SteadyTime end) { fault.awaitPassing(end); });
  return fault;
}

InjectedFault InjectedFault::onNodes(const std::vector<ControllerNode*>& nodes,
                                     const fault::NodeEffect& effect, nanoseconds hold,
                                     SteadyTime until) {
  InjectedFault fault;
  std::vector<std::string> names;
  for (ControllerNode* node : nodes) {
    const std::string& name = node->description().name;
    names.push_back(name);
    fault.nodes_[name] = node;
    fault.bootIds_[name] = node->state().bootId;
  }
  fault.plan_ = fault::planOf(effect, names);
  fault.id_ = support::Id::random().text();
  // The nodes answer when they have seen it. Asked again, they must see it still.
  fault.begin(hold, until, [&](SteadyTime end) { fault.dropped(end); });
  return fault;
}

void InjectedFault::takeDownFor(ControllerNode& node, const std::string& interface,
                                nanoseconds hold, SteadyTime until) {
  const std::string& name = node.description().name;
  InjectedFault fault;
  fault.nodes_[name] = &node;
  fault.plan_ = fault::planOf(fault::TakeDown{interface, true}, {name});
  fault.id_ = support::Id::random().text();
  // Asked again after the reconnect, the node answers the same: it has seen that it was down.
  fault.add(hold, until);
  // A node that we reach by another interface has answered at once.
  auto isOver = [&] {
    auto infos = allOf(listFaults({&node}, until));
    auto found = std::find_if(infos[0].begin(), infos[0].end(),
                              [&](const FaultInfo& info) { return info.id == fault.id_; });
    if (found == infos[0].end()) return true;
    if (found->state == FaultInfo::State::kFailed) fault.fail(name, found->reason);
    return false;
  };
  auto within = std::max<nanoseconds>(until - steady_clock::now(), 0s);
  if (!lookAgain(isOver, within, kLookPause).matched) {
    fault.fail(name, "interface " + interface + " stays down");
  }
}

// Begins the fault on its nodes and waits for the witness. Undoes all of it where that fails.
template <typename Await>
void InjectedFault::begin(nanoseconds hold, SteadyTime until, const Await& await) {
  try {
    add(hold, until);
    await(std::min(until, steady_clock::now() + kWitnessMax));
    tellBegin();
  } catch (const NodeError& error) {
    auto answers = healFault(partNodes(), id_, steady_clock::now() + kRollbackMax);
    for (auto& answer : answers) {
      auto* failed = std::get_if<NodeError>(&answer);
      if (failed == nullptr || failed->kind() == NodeError::Kind::kUnsupported) continue;
      throw NodeError(error.kind(), error.node(), error.operation(),
                      error.detail() + "; and it could not be healed on node " + failed->node() +
                          ": " + failed->detail(),
                      error.errnoValue());
    }
    throw;
  }
}

void InjectedFault::tellBegin() {
  if (!isListened()) return;
  std::vector<std::string> names;
  for (ControllerNode* node : partNodes()) names.push_back(node->description().name);
  activity_ = Activity({.kind = "fault", .nodes = std::move(names), .text = text()});
}

void InjectedFault::setUp(const std::vector<ControllerNode*>& nodes, const fault::Shape& shape,
                          const muster::FaultOptions& options, SteadyTime until) {
  std::vector<muster::Facts> facts = allOf(askAll<muster::Facts>(
      nodes, toString(shape), until,
      [until](ControllerNode::Impl& node) { return askFacts(node.connection(), until); }));
  fault::Addresses all;
  fault::Addresses described;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const NodeDescription& node = nodes[i]->description();
    nodes_[node.name] = nodes[i];
    bootIds_[node.name] = nodes[i]->state().bootId;
    described[node.name] = node.addresses;
    all[node.name] = node.addresses;
    addMissing(all[node.name], addressesIn(facts[i]));
  }
  all = fault::withoutShared(all);
  for (auto& [name, addresses] : described) {
    if (addresses.empty()) addresses = all[name];
  }
  plan_ = fault::planOf(shape, options, all, described);
  std::set<uint16_t> ports;
  for (ControllerNode* node : nodes) ports.insert(node->description().route.endpoint.port());
  ports.erase(0);
  plan_.agentPorts.assign(ports.begin(), ports.end());
  id_ = support::Id::random().text();
  std::vector<bool> answered = send(plan_.probes, kAnswerMax, until);
  for (size_t i = 0; i < plan_.probes.size(); ++i) sent_.push_back({plan_.probes[i], answered[i]});
}

std::vector<ControllerNode*> InjectedFault::partNodes() const {
  std::vector<ControllerNode*> nodes;
  for (const fault::Part& part : plan_.parts) nodes.push_back(&node(part.node));
  return nodes;
}

void InjectedFault::add(nanoseconds hold, SteadyTime until) {
  std::string bytes = idBytes(id_);
  allOf(askAll<bool>(partNodes(), text(), until, [&](ControllerNode::Impl& node) {
    auto part = std::find_if(plan_.parts.begin(), plan_.parts.end(), [&](const fault::Part& each) {
      return each.node == node.description.name;
    });
    auto attempt = [bytes, plan = plan_, part = *part, hold](EstablishedConnection& connection) {
      auto request = connection.get<wire::Faults>().addRequest();
      writeFaultSpec(request.initSpec(), bytes, plan, part, hold);
      return request.send().then(answered);
    };
    // A fault of a test ends with the test, should its owner be forgotten.
    return node.connection().call<bool>(until, attempt,
                                        hold > 0s ? nullptr : node.scopes.current());
  }));
}

std::vector<bool> InjectedFault::send(const std::vector<fault::Probe>& probes, nanoseconds wait,
                                      SteadyTime until) const {
  // One call for each sender, and for each 64 probes of it.
  struct Batch {
    std::vector<size_t> places;
    std::vector<fault::Probe> probes;
  };
  std::map<std::string, std::vector<Batch>> batches;
  for (size_t i = 0; i < probes.size(); ++i) {
    auto& ofSender = batches[probes[i].from];
    if (ofSender.empty() || ofSender.back().probes.size() == kProbesPerCall) ofSender.push_back({});
    ofSender.back().places.push_back(i);
    ofSender.back().probes.push_back(probes[i]);
  }
  std::vector<ControllerNode*> senders;
  std::vector<const Batch*> order;
  for (const auto& [name, ofSender] : batches) {
    for (const Batch& batch : ofSender) {
      senders.push_back(&node(name));
      order.push_back(&batch);
    }
  }
  size_t next = 0;
  auto answers =
      allOf(askAll<std::vector<bool>>(senders, text(), until, [&](ControllerNode::Impl& node) {
        return askProbes(node.connection(), order[next++]->probes, plan_.options, wait, until);
      }));
  std::vector<bool> answered(probes.size());
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t each = 0; each < order[i]->places.size() && each < answers[i].size(); ++each) {
      answered[order[i]->places[each]] = answers[i][each];
    }
  }
  return answered;
}

std::map<std::string, uint64_t> InjectedFault::dropped(SteadyTime until) const {
  std::vector<ControllerNode*> nodes = partNodes();
  auto infos = allOf(listFaults(nodes, until));
  std::map<std::string, uint64_t> counts;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const std::string& name = nodes[i]->description().name;
    auto found = std::find_if(infos[i].begin(), infos[i].end(),
                              [&](const FaultInfo& info) { return info.id == id_; });
    if (found == infos[i].end()) fail(name, "the node has the fault no more");
    if (found->state != FaultInfo::State::kActive) {
      fail(name, "the fault is " + toString(found->state) + ": " + found->reason);
    }
    counts[name] = found->packets;
  }
  return counts;
}

// The probes that say something: those that came through before, and for a receiver of which there
// are none, all of it.
std::vector<fault::Probe> InjectedFault::witnesses() const {
  std::set<std::string> reached;
  for (const Sent& sent : sent_) {
    if (sent.isAnswered) reached.insert(sent.probe.to);
  }
  std::vector<fault::Probe> probes;
  size_t repeats = plan_.options.loss < 1 ? kLossRepeats : 1;
  for (const Sent& sent : sent_) {
    if (!sent.isAnswered && reached.contains(sent.probe.to)) continue;
    for (size_t i = 0; i < repeats; ++i) probes.push_back(sent.probe);
  }
  return probes;
}

void InjectedFault::awaitActive(SteadyTime until) {
  std::vector<fault::Probe> probes = witnesses();
  bool isLossy = plan_.options.loss < 1;
  std::set<std::string> waiting;
  for (const fault::Probe& probe : probes) waiting.insert(probe.to);
  auto before = dropped(until + kRollbackMax);
  for (;;) {
    std::vector<bool> answered = send(probes, kSilence, until + kRollbackMax);
    auto now = dropped(until + kRollbackMax);
    std::map<std::string, uint64_t> sent;
    std::string through;
    for (size_t i = 0; i < probes.size(); ++i) {
      ++sent[probes[i].to];
      if (answered[i]) through = probes[i].from + " got through to " + probes[i].address;
    }
    // A receiver that nothing reached before may lie behind something else that drops a part.
    std::erase_if(waiting, [&](const std::string& name) {
      bool wasReached = std::any_of(sent_.begin(), sent_.end(), [&](const Sent& each) {
        return each.isAnswered && each.probe.to == name;
      });
      return now[name] - before[name] >= (isLossy || !wasReached ? 1 : sent[name]);
    });
    bool isTight = through.empty() || isLossy;
    if (waiting.empty() && isTight) return;
    if (steady_clock::now() >= until) {
      std::string receiver = waiting.empty() ? "" : *waiting.begin();
      fail(receiver, !isTight ? "the fault was not witnessed: a packet of " + through
                              : "the fault was not witnessed: no packet that was sent to " +
                                    receiver + " reached its rule");
    }
    before = std::move(now);
  }
}

void InjectedFault::awaitPassing(SteadyTime until) {
  // A node without others has the kernel's word alone.
  if (plan_.probes.empty()) return;
  const std::string& victim = plan_.parts.front().node;
  uint64_t before = dropped(until + kRollbackMax)[victim];
  do {
    send(plan_.probes, kSilence, until + kRollbackMax);
    if (dropped(until + kRollbackMax)[victim] > before) return;
  } while (steady_clock::now() < until);
  fail(victim, "the fault was not witnessed: nothing was sent by interface " +
                   plan_.parts.front().interface);
}

void InjectedFault::heal(SteadyTime until) {
  std::vector<ControllerNode*> nodes = partNodes();
  auto answers = healFault(nodes, id_, until);
  std::optional<NodeError> first;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const std::string& name = nodes[i]->description().name;
    if (auto* error = std::get_if<NodeError>(&answers[i])) {
      if (!first) first = *error;
      continue;
    }
    auto& healed = std::get<FaultHealed>(answers[i]);
    // A reboot takes the node's part with it, as a test that cuts the power expects.
    if (healed.isFound || nodes[i]->state().bootId != bootIds_[name] || first) continue;
    first = NodeError(NodeError::Kind::kLost, name, text(),
                      "the fault had ended before it was healed, with its session on the node");
  }
  activity_.end({.error = first ? first->what() : ""});
  if (first) throw *first;
  // The nodes have seen that their effects are gone. No packets say more.
  if (!sent_.empty()) awaitGone(std::min(until, steady_clock::now() + kWitnessMax));
}

// The nodes that have other faults, which may drop probes and answers.
std::set<std::string> InjectedFault::disturbed(SteadyTime until) const {
  std::vector<ControllerNode*> nodes;
  for (const auto& [name, each] : nodes_) nodes.push_back(each);
  auto infos = allOf(listFaults(nodes, until));
  std::set<std::string> names;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!infos[i].empty()) names.insert(nodes[i]->description().name);
  }
  return names;
}

void InjectedFault::awaitGone(SteadyTime until) {
  std::set<std::string> others = disturbed(until + kRollbackMax);
  std::vector<fault::Probe> probes;
  for (const Sent& sent : sent_) {
    bool isFree = !others.contains(sent.probe.to) && !others.contains(sent.probe.from);
    if (sent.isAnswered && isFree) probes.push_back(sent.probe);
  }
  while (!probes.empty()) {
    std::vector<bool> answered = send(probes, kAnswerMax, until + kRollbackMax);
    std::vector<fault::Probe> silent;
    for (size_t i = 0; i < probes.size(); ++i) {
      if (!answered[i]) silent.push_back(probes[i]);
    }
    probes = std::move(silent);
    if (!probes.empty() && steady_clock::now() >= until) {
      fail(probes.front().to, "it was healed, but a packet of " + probes.front().from + " to " +
                                  probes.front().address + " still does not get through");
    }
  }
}

uint64_t InjectedFault::packets(SteadyTime until) const {
  uint64_t sum = 0;
  for (const auto& [name, count] : dropped(until)) sum += count;
  return sum;
}

void InjectedFault::fail(const std::string& node, const std::string& why) const {
  throw NodeError(NodeError::Kind::kInfrastructure, node, text(), why);
}

}  // namespace harness::rpc
