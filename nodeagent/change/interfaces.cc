// Adds interfaces: pairs, VLANs and bridges.
#include <string.h>

#include "nodeagent/change/checks.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr uint16_t kVlanMax = 4094;
constexpr size_t kPortsMax = 32;

// What the three share: the interface goes by its name, and takes with it what hangs on it.
class InterfaceKind : public ChangeKind {
 public:
  void undo(const Surroundings& node, const support::Id&, const Values& values) const override {
    ipIfThere(node, {"link", "del", "dev", values.get("name")});
  }
};

class VethKind final : public InterfaceKind {
 public:
  kj::StringPtr name() const override { return "veth"; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto veth = from.getVeth();
    Values values;
    values.add("name", interfaceName("veth.name", veth.getName()));
    values.add("peer", interfaceName("veth.peer", veth.getPeer()));
    if (veth.getName() == veth.getPeer()) {
      support::fail(Kind::INVALID, "veth.peer: \"", veth.getPeer(), "\" is the other's name too");
    }
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("adds the pair of interfaces ", values.get("name"), " and ", values.get("peer"));
  }
  void prepare(const Surroundings& node, const support::Id&, Values& values) const override {
    requireNoInterface(node, values.get("name"));
    requireNoInterface(node, values.get("peer"));
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    kj::StringPtr name = values.get("name");
    kj::StringPtr peer = values.get("peer");
    ip(node, {"link", "add", "name", name, "type", "veth", "peer", "name", peer});
    ip(node, {"link", "set", "dev", name, "up"});
    ip(node, {"link", "set", "dev", peer, "up"});
  }
};

class VlanKind final : public InterfaceKind {
 public:
  kj::StringPtr name() const override { return "vlan"; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto vlan = from.getVlan();
    if (vlan.getId() == 0 || vlan.getId() > kVlanMax) {
      support::fail(Kind::INVALID, "vlan.id: ", vlan.getId(), " is not between 1 and ", kVlanMax);
    }
    Values values;
    values.add("interface", interfaceName("vlan.interface", vlan.getInterface()));
    values.add("id", decimal(vlan.getId()));
    kj::String usual = kj::str(vlan.getInterface(), ".", vlan.getId());
    bool isUsual = vlan.getName().size() == 0;
    values.add("name",
               interfaceName("vlan.name", isUsual ? usual.asPtr() : kj::StringPtr(vlan.getName())));
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("adds interface ", values.get("name"), " for VLAN ", values.get("id"), " of ",
                   values.get("interface"));
  }
  void prepare(const Surroundings& node, const support::Id&, Values& values) const override {
    requireInterface(node, values.get("interface"));
    requireNoInterface(node, values.get("name"));
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    ip(node, {"link", "add", "link", values.get("interface"), "name", values.get("name"), "type",
              "vlan", "id", values.get("id")});
    ip(node, {"link", "set", "dev", values.get("name"), "up"});
  }
};

class BridgeKind final : public InterfaceKind {
 public:
  kj::StringPtr name() const override { return "bridge"; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto bridge = from.getBridge();
    Values values;
    values.add("name", interfaceName("bridge.name", bridge.getName()));
    if (bridge.getPorts().size() > kPortsMax) {
      support::fail(Kind::INVALID, "bridge.ports: more than ", kPortsMax);
    }
    for (auto port : bridge.getPorts()) values.add("port", interfaceName("bridge.ports", port));
    return values;
  }
  kj::String text(const Values& values) const override {
    auto ports = values.getAll("port");
    kj::String of = ports.size() == 0 ? kj::String() : kj::str(" of ", kj::strArray(ports, ", "));
    return kj::str("adds bridge ", values.get("name"), of);
  }
  void prepare(const Surroundings& node, const support::Id&, Values& values) const override {
    requireNoInterface(node, values.get("name"));
    for (kj::StringPtr port : values.getAll("port")) {
      KJ_IF_MAYBE (line, interfaceLine(node, port)) {
        if (strstr(line->cStr(), " master ") == nullptr) continue;
        support::fail(Kind::CONFLICT, "interface ", port, " is part of another bridge already");
      }
      support::fail(Kind::NOT_FOUND, "the node has no interface ", port);
    }
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    kj::StringPtr name = values.get("name");
    ip(node, {"link", "add", "name", name, "type", "bridge"});
    for (kj::StringPtr port : values.getAll("port")) {
      ip(node, {"link", "set", "dev", port, "master", name});
    }
    ip(node, {"link", "set", "dev", name, "up"});
  }
};

}  // namespace

kj::Own<ChangeKind> newVethKind() {
  return kj::heap<VethKind>();
}
kj::Own<ChangeKind> newVlanKind() {
  return kj::heap<VlanKind>();
}
kj::Own<ChangeKind> newBridgeKind() {
  return kj::heap<BridgeKind>();
}

}  // namespace nodeagent::change
