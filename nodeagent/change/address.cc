// Adds an address to an interface.
#include <netinet/in.h>

#include "nodeagent/change/checks.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

class AddressKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "address"; }
  // ip(8) adds with one message of netlink.
  bool isAtomic() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto wanted = from.getAddress();
    kj::StringPtr all = wanted.getAddress();
    size_t slash = all.findFirst('/').orDefault(all.size());
    kj::String host = kj::heapString(all.begin(), slash);
    kj::StringPtr prefix = slash < all.size() ? all.slice(slash + 1) : kj::StringPtr();
    auto address = support::readNumericHost(host.cStr());
    bool isRight = address && prefix.size() > 0 && prefix.size() <= 3;
    for (char c : prefix) isRight = isRight && c >= '0' && c <= '9';
    uint64_t bitsMax = address && address->ss_family == AF_INET6 ? 128 : 32;
    if (!isRight || numberOf(prefix) > bitsMax) {
      support::fail(Kind::INVALID, "address.address: \"", all,
                    "\" is no address with the length of its prefix, such as 10.9.0.5/24");
    }
    Values values;
    values.add("host", host);
    values.add("address", all);
    values.add("interface", interfaceName("address.interface", wanted.getInterface()));
    if (bitsMax == 128) values.add("family", "6");
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("adds address ", values.get("address"), " to ", values.get("interface"));
  }

  void prepare(const Surroundings& node, const support::Id&, Values& values) const override {
    requireInterface(node, values.get("interface"));
    kj::String there = ip(node, {"-o", "address", "show", "to", values.get("host")});
    if (there.size() > 0) {
      support::fail(Kind::CONFLICT, "the node has the address ", values.get("host"), " already");
    }
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    if (values.get("family") == "6") {
      // Without the search for duplicates, during which nothing can be bound to it.
      ip(node, {"address", "add", values.get("address"), "dev", values.get("interface"), "nodad"});
    } else {
      ip(node, {"address", "add", values.get("address"), "dev", values.get("interface")});
    }
  }
  void undo(const Surroundings& node, const support::Id&, const Values& values) const override {
    ipIfThere(node, {"address", "del", values.get("address"), "dev", values.get("interface")});
  }
};

}  // namespace

kj::Own<ChangeKind> newAddressKind() {
  return kj::heap<AddressKind>();
}

}  // namespace nodeagent::change
