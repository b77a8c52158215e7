#include "tests_d/muster/simulation/node.h"

#include <algorithm>

#include <kj/debug.h>

#include "nodeagent/front/relay.h"
#include "nodeagent/link/preamble.h"

namespace simulation {
namespace {

constexpr size_t kConnectionsPerIdentityMax = 32;

support::Id idFrom(Random& random) {
  support::Id id;
  for (auto& byte : id.bytes) byte = static_cast<kj::byte>(random.next());
  return id;
}

kj::String bootIdFrom(Random& random) {
  return kj::str("boot-", kj::hex(random.next()));
}

}  // namespace

Node::Keeper::Keeper(Node& node, support::Id epoch)
    : sessions(node.machine_, node.world_.timer(), epoch),
      platform(node.machine_),
      host{node.world_.pipes(),
           node.world_.timer(),
           platform,
           *audit,
           "node1",
           node.bootId_,
           "",
           ""},
      services(makeServices(node)),
      gates{sessions, node.machine_, "node1", node.bootId_, services},
      connections(node.world_.timer(), gates, kConnectionsPerIdentityMax),
      leases(sessions.watchLeases().eagerlyEvaluate(
          [](kj::Exception&& exception) { KJ_LOG(ERROR, "leases", exception); })) {}

// Those of a real keeper that a simulated machine can bear: the others ask this machine.
kj::Array<kj::Own<nodeagent::AgentService>> Node::Keeper::makeServices(Node& node) {
  kj::Vector<kj::Own<nodeagent::AgentService>> made;
  KJ_IF_MAYBE (tree, node.files_) host.stateDirectory = tree->statePath();
  auto jobs = kj::heap<nodeagent::ExecService>(host, node.limits_);
  exec = jobs.get();
  made.add(kj::mv(jobs));
  if (node.files_ != nullptr) made.add(nodeagent::makeFile(host));
  return made.releaseAsArray();
}

Node::Node(World& world, Machine& machine, nodeagent::exec::JobLimits limits,
           kj::Maybe<FileTree&> files)
    : world_(world),
      machine_(machine),
      limits_(limits),
      files_(files),
      bootId_(bootIdFrom(world.random())),
      relays_(kj::heap<kj::TaskSet>(*this)) {
  startKeeper();
}

Node::~Node() noexcept(false) {
  relays_ = nullptr;
}

void Node::startKeeper() {
  if (keeper_.get() != nullptr) return;
  ++keeperStarts_;
  machine_.endAll();
  keeper_ = kj::heap<Keeper>(*this, idFrom(world_.random()));
}

void Node::killKeeper() {
  ++keeperKills_;
  endKeeper();
}

void Node::endKeeper() {
  if (keeper_.get() == nullptr) return;
  machine_.abandonAll();
  kj::Maybe<FileTree::Kept> kept;
  KJ_IF_MAYBE (tree, files_) {
    if (tree->openUploads() > 0) world_.count(Event::kUploadKilled);
    kept.emplace(*tree);
  }
  keeper_ = nullptr;
}

void Node::killFront() {
  frontRuns_ = false;
  relays_ = kj::heap<kj::TaskSet>(*this);
}

void Node::reboot() {
  killFront();
  endKeeper();
  machine_.endAll();
  bootId_ = bootIdFrom(world_.random());
  ++boots_;
}

void Node::accept(unsigned controller, kj::Own<kj::AsyncIoStream> client) {
  if (!frontRuns_) return;
  relays_->add(relay(controller, kj::mv(client)));
}

kj::Promise<void> Node::relay(unsigned controller, kj::Own<kj::AsyncIoStream> client) {
  if (keeper_.get() == nullptr) return kj::READY_NOW;  // The front cannot reach it, and hangs up.
  struct Relayed {
    kj::Own<kj::AsyncIoStream> client;
    kj::Own<kj::AsyncIoStream> keeper;
    std::string preamble;
  };
  LinkEnds local = makeLink(world_, {});
  keeper_->connections.serve(kj::mv(local.server));
  nodeagent::Peer peer{{identityOf(controller), wire::Role::OPERATOR}, "simulated"};
  auto relayed =
      kj::heap<Relayed>(Relayed{kj::mv(client), kj::mv(local.client), nodeagent::preambleOf(peer)});
  Relayed& streams = *relayed;
  auto link = kj::mv(local.link);
  return streams.keeper->write(streams.preamble.data(), streams.preamble.size())
      .then([this, &streams, controller, link = kj::mv(link)]() mutable {
        // Until here the front spoke; the bytes that follow are the controller's.
        link->onArrival(Link::Side::kServer, [this, controller]() { heard(controller); });
        return nodeagent::relayBothWays(*streams.client, *streams.keeper, world_.timer(), []() {});
      })
      .attach(kj::mv(relayed));
}

void Node::heard(unsigned controller) {
  Contact& contact = contacts_[controller];
  int64_t now = machine_.boottimeNs();
  if (contact.lastBoottimeNs != 0) {
    contact.longestSilenceNs = std::max(contact.longestSilenceNs, now - contact.lastBoottimeNs);
  }
  contact.lastBoottimeNs = now;
}

int64_t Node::longestSilenceNs(unsigned controller) const {
  auto found = contacts_.find(controller);
  if (found == contacts_.end()) return INT64_MAX;
  return std::max(found->second.longestSilenceNs,
                  machine_.boottimeNs() - found->second.lastBoottimeNs);
}

int64_t Node::lastHeardBoottimeNs(unsigned controller) const {
  auto found = contacts_.find(controller);
  return found == contacts_.end() ? 0 : found->second.lastBoottimeNs;
}

std::string Node::identityOf(unsigned controller) {
  return "operator:controller" + std::to_string(controller);
}

void Node::taskFailed(kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) {
    world_.violated("I9", std::string("the relay failed: ") + exception.getDescription().cStr());
  }
}

}  // namespace simulation
