#include <ostream>
#include <utility>

#include <gtest/gtest.h>

#include <muster/cluster.h>
#include <muster/deadline.h>
#include <muster/fault.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/fault/plan.h"
#include "harness/rpc/fault/injected_fault.h"

namespace muster {

using harness::at;
using harness::rpc::InjectedFault;

namespace {

constexpr std::chrono::seconds kHealMax{30};

// Heals what nobody else can.
void healAtLast(std::unique_ptr<InjectedFault> injected) noexcept {
  if (!injected) return;
  try {
    DeadlineScope scope(std::chrono::steady_clock::now() + kHealMax);
    injected->heal(DeadlineScope::current());
  } catch (const std::exception& error) {
    ADD_FAILURE() << "a fault was not healed: " << error.what();
  }
}

std::vector<std::string> namesOf(const NodeSet& nodes) {
  return nodes.names();
}

std::unique_ptr<InjectedFault> inject(const NodeSet& nodes, const harness::fault::Shape& shape,
                                      const FaultOptions& options) {
  // Before any node is looked at: a node may be in two groups by mistake.
  harness::fault::check(shape, options);
  std::vector<harness::ControllerNode*> behind;
  for (Node& node : nodes) behind.push_back(&harness::ApiAccess::behind(node));
  return std::make_unique<InjectedFault>(InjectedFault::inject(
      behind, shape, options, std::chrono::nanoseconds(0), DeadlineScope::current()));
}

}  // namespace

Fault::Fault(std::unique_ptr<InjectedFault> injected) : injected_(std::move(injected)) {}
Fault::Fault(Fault&& other) noexcept = default;

Fault::~Fault() {
  healAtLast(std::move(injected_));
  tellEnd();
}

Fault& Fault::operator=(Fault&& other) noexcept {
  if (this == &other) return *this;
  healAtLast(std::exchange(injected_, std::move(other.injected_)));
  tellEnd();
  atEnd_ = std::move(other.atEnd_);
  return *this;
}

void Fault::heal(Where where) {
  auto injected = std::move(injected_);
  struct Teller {
    Fault& fault;
    ~Teller() { fault.tellEnd(); }
  } teller{*this};
  if (injected) at(where, [&] { injected->heal(DeadlineScope::current()); });
}

void Fault::tellEnd() noexcept {
  for (const std::function<void()>& tell : std::exchange(atEnd_, {})) tell();
}

uint64_t Fault::packetsDropped(Where where) const {
  if (!injected_) {
    throw NodeError(NodeError::Kind::kInvalid, "", "count dropped packets",
                    "the fault was healed or moved away", 0, where);
  }
  return at(where, [&] { return injected_->packets(DeadlineScope::current()); });
}

std::string Fault::id() const {
  return injected_ ? injected_->id() : "";
}

Fault Cluster::partition(const std::vector<NodeSet>& groups, const FaultOptions& options,
                         Where where) {
  return at(where, [&] {
    std::vector<std::vector<std::string>> names;
    NodeSet all;
    for (const NodeSet& group : groups) {
      names.push_back(namesOf(group));
      all = all + group;
    }
    return harness::ApiAccess::fault(
        inject(all, harness::fault::partition(std::move(names)), options));
  });
}

Fault Cluster::isolate(const Node& node, const FaultOptions& options, Where where) {
  return at(where, [&] {
    NodeSet others = otherThan(node);
    NodeSet all = NodeSet({std::ref(all_[node.name()])}) + others;
    return harness::ApiAccess::fault(
        inject(all, harness::fault::isolate(node.name(), namesOf(others)), options));
  });
}

Fault Cluster::cutOneWay(const Node& from, const Node& to, const FaultOptions& options,
                         Where where) {
  return at(where, [&] {
    NodeSet both = NodeSet({std::ref(all_[from.name()])}) + NodeSet({std::ref(all_[to.name()])});
    return harness::ApiAccess::fault(
        inject(both, harness::fault::oneWay(from.name(), to.name()), options));
  });
}

Fault Cluster::majorityRing(const NodeSet& nodes, const FaultOptions& options, Where where) {
  return at(where, [&] {
    return harness::ApiAccess::fault(
        inject(nodes, harness::fault::majorityRing(namesOf(nodes)), options));
  });
}

Fault Cluster::bridge(const NodeSet& left, const Node& middle, const NodeSet& right,
                      const FaultOptions& options, Where where) {
  return at(where, [&] {
    NodeSet all = left + NodeSet({std::ref(all_[middle.name()])}) + right;
    return harness::ApiAccess::fault(
        inject(all, harness::fault::bridge(namesOf(left), middle.name(), namesOf(right)), options));
  });
}

Fault Cluster::degrade(const Node& node, const Degradation& degradation, Where where) {
  return at(where, [&] {
    std::vector<harness::ControllerNode*> nodes = {&harness::ApiAccess::behind(node)};
    // One other is enough for the witness.
    for (Node& other : otherThan(node)) {
      if (nodes.size() == 1) nodes.push_back(&harness::ApiAccess::behind(other));
    }
    return harness::ApiAccess::fault(std::make_unique<InjectedFault>(InjectedFault::degrade(
        nodes, degradation, std::chrono::nanoseconds(0), DeadlineScope::current())));
  });
}

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << (fault.injected_ ? "fault \"" + fault.injected_->text() + "\"" : "a fault that is over");
}

}  // namespace muster
