#include "nodeagent/netfault/fault_spec.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include <memory>
#include <set>
#include <string>

#include <kj/vector.h>

#include "schema/support/base/endpoint.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;
using Protocol = wire::Drop::Protocol;

constexpr size_t kTitleBytesMax = 32;
constexpr size_t kPeerBytesMax = 256;
constexpr size_t kInterfaceBytesMax = 15;
constexpr uint64_t kBitsPerSecondMin = 8'000;
constexpr uint64_t kBitsPerSecondMax = 100'000'000'000;
constexpr int64_t kDelayMaxNs = 60'000'000'000;

bool isTitle(kj::StringPtr text) {
  if (text.size() == 0 || text.size() > kTitleBytesMax) return false;
  for (char c : text) {
    if ((c < 'a' || c > 'z') && c != '-') return false;
  }
  return true;
}

// Says why a packet cannot come from this address over the network; null if it can.
kj::Maybe<kj::StringPtr> flawOf(const struct in_addr& address) {
  uint32_t number = ntohl(address.s_addr);
  if (number == 0) return "is no address of a node"_kj;
  if (number >> 24 == 127) return "is a loopback address"_kj;
  if (number >> 28 >= 14) return "is a multicast or broadcast address"_kj;
  return nullptr;
}

kj::Maybe<kj::StringPtr> flawOf(const struct in6_addr& address) {
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return "is no address of a node"_kj;
  if (IN6_IS_ADDR_LOOPBACK(&address)) return "is a loopback address"_kj;
  if (IN6_IS_ADDR_MULTICAST(&address)) return "is a multicast address"_kj;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return "is an IPv4 address in IPv6; give the IPv4 one"_kj;
  return nullptr;
}

kj::Maybe<kj::StringPtr> flawOf(const sockaddr_storage& address) {
  return address.ss_family == AF_INET
             ? flawOf(reinterpret_cast<const sockaddr_in&>(address).sin_addr)
             : flawOf(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

struct Addresses {
  std::set<std::string> four;
  std::set<std::string> six;

  void add(kj::StringPtr text) {
    auto address = support::readNumericHost(text.cStr());
    kj::Maybe<kj::StringPtr> flaw = "is not an IPv4 or IPv6 address"_kj;
    if (address) flaw = flawOf(*address);
    KJ_IF_MAYBE (reason, flaw) {
      support::fail(Kind::INVALID, "addresses: \"", text, "\" ", *reason);
    }
    (address->ss_family == AF_INET ? four : six).insert(support::hostText(*address));
  }
};

kj::Array<kj::String> toArray(const std::set<std::string>& texts) {
  kj::Vector<kj::String> list;
  for (const std::string& text : texts) list.add(kj::str(text.c_str()));
  return list.releaseAsArray();
}

void readDrop(wire::Drop::Reader from, kj::ArrayPtr<const uint16_t> controlPorts, FaultSpec& spec) {
  auto addresses = from.getAddresses();
  if (addresses.size() == 0) support::fail(Kind::INVALID, "addresses: there is none");
  if (addresses.size() > kAddressesMax) {
    support::fail(Kind::INVALID, "addresses: ", addresses.size(), " are more than ", kAddressesMax);
  }
  Addresses checked;
  for (auto address : addresses) checked.add(address);
  spec.addresses4 = toArray(checked.four);
  spec.addresses6 = toArray(checked.six);
  for (auto peer : from.getPeers()) {
    if (peer.size() > kPeerBytesMax) support::fail(Kind::INVALID, "peers: a name is too long");
  }
  if (from.getPeers().size() > kAddressesMax) support::fail(Kind::INVALID, "peers: too many");
  spec.peers = KJ_MAP(peer, from.getPeers()) {
    return kj::str(peer);
  };
  spec.protocol = from.getProtocol();
  if (spec.protocol != Protocol::ANY && spec.protocol != Protocol::TCP &&
      spec.protocol != Protocol::UDP) {
    support::fail(Kind::INVALID, "protocol: is none that this agent knows");
  }
  spec.port = from.getPort();
  spec.fromPort = from.getFromPort();
  spec.partsPerMillion = from.getPartsPerMillion();
  if (spec.partsPerMillion > kMillion) {
    support::fail(Kind::INVALID, "partsPerMillion: ", spec.partsPerMillion, " is above ", kMillion);
  }
  if (from.getPeerPorts().size() > kAddressesMax)
    support::fail(Kind::INVALID, "peerPorts: too many");
  spec.peerPorts = KJ_MAP(port, from.getPeerPorts()) {
    return port;
  };
  for (uint16_t port : spec.peerPorts) {
    if (port == 0 || port == spec.port) {
      support::fail(Kind::INVALID, "peerPorts: ", port,
                    " is no port of an agent, or the one that shall be cut");
    }
  }
  for (uint16_t port : controlPorts) {
    if (spec.port != 0 && spec.port == port) {
      support::fail(Kind::INVALID, "port: ", port,
                    " is the agent's own, by which controllers reach the node, and is never cut");
    }
  }
}

// Says whether the kernel may have an interface of this name. It is a word of a command line.
bool isInterfaceName(kj::StringPtr name) {
  if (name.size() == 0 || name.size() > kInterfaceBytesMax || name.startsWith("-")) return false;
  for (char c : name) {
    bool isPlain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!isPlain && c != '-' && c != '_' && c != '.' && c != '@') return false;
  }
  return true;
}

LinkSpec readLink(wire::Link::Reader from) {
  LinkSpec link;
  if (!isInterfaceName(from.getInterface())) {
    support::fail(Kind::INVALID, "interface: is no name of an interface");
  }
  link.interface = kj::str(from.getInterface());
  auto checked = [](const char* field, auto value, auto least, auto most) {
    if (value != 0 && (value < least || value > most)) {
      support::fail(Kind::INVALID, field, ": ", value, " is not between ", least, " and ", most);
    }
    return value;
  };
  link.bitsPerSecond =
      checked("bitsPerSecond", from.getBitsPerSecond(), kBitsPerSecondMin, kBitsPerSecondMax);
  link.delayNs = checked("delayNs", from.getDelayNs(), int64_t{1000}, kDelayMaxNs);
  link.jitterNs = checked("jitterNs", from.getJitterNs(), int64_t{1000}, kDelayMaxNs);
  link.duplicatePpm = checked("duplicatePpm", from.getDuplicatePpm(), 1u, kMillion);
  link.reorderPpm = checked("reorderPpm", from.getReorderPpm(), 1u, kMillion);
  link.corruptPpm = checked("corruptPpm", from.getCorruptPpm(), 1u, kMillion);
  if (link.bitsPerSecond == 0 && !link.needsNetem()) {
    support::fail(Kind::INVALID, "link: neither a rate nor anything else is asked for");
  }
  if ((link.jitterNs > 0 || link.reorderPpm > 0) && link.delayNs == 0) {
    support::fail(Kind::INVALID, "delayNs: jitter and reordering need a delay");
  }
  return link;
}

kj::String describeLink(const LinkSpec& link) {
  kj::Vector<kj::String> parts;
  if (link.bitsPerSecond > 0) parts.add(kj::str("rate ", link.bitsPerSecond, " bit/s"));
  if (link.delayNs > 0) parts.add(kj::str("delay ", link.delayNs / 1e6, " ms"));
  if (link.jitterNs > 0) parts.add(kj::str("jitter ", link.jitterNs / 1e6, " ms"));
  if (link.duplicatePpm > 0) parts.add(kj::str("duplicates ", link.duplicatePpm / 1e4, " %"));
  if (link.reorderPpm > 0) parts.add(kj::str("reorders ", link.reorderPpm / 1e4, " %"));
  if (link.corruptPpm > 0) parts.add(kj::str("corrupts ", link.corruptPpm / 1e4, " %"));
  return kj::str("sends by ", link.interface, " with ", kj::strArray(parts, ", "));
}

}  // namespace

kj::Own<const FaultSpec> readSpec(wire::FaultSpec::Reader from,
                                  kj::ArrayPtr<const uint16_t> controlPorts) {
  auto spec = kj::atomicRefcounted<FaultSpec>();
  if (!support::Id::fits(from.getId())) support::fail(Kind::INVALID, "id: is not 16 bytes");
  spec->id = support::Id::from(from.getId());
  if (!isTitle(from.getTitle())) {
    support::fail(Kind::INVALID, "title: is not 1 to 32 letters a-z and \"-\"");
  }
  spec->title = kj::str(from.getTitle());
  spec->holdNs = from.getHoldNs();
  if (spec->holdNs < 0 || spec->holdNs > kHoldMaxNs) {
    support::fail(Kind::INVALID, "holdNs: ", spec->holdNs, " is not between 0 and 24 h");
  }
  auto effect = from.getEffect();
  if (effect.isDrop()) {
    readDrop(effect.getDrop(), controlPorts, *spec);
  } else if (effect.isLink()) {
    spec->link = readLink(effect.getLink());
  } else {
    support::fail(Kind::UNSUPPORTED, "effect: is none that this agent knows");
  }
  return spec;
}

void requireForeign(const FaultSpec& spec) {
  std::set<std::string> wanted;
  for (auto& address : spec.addresses4) wanted.insert(address.cStr());
  for (auto& address : spec.addresses6) wanted.insert(address.cStr());
  struct ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) support::failErrno(errno, "read the node's addresses");
  std::unique_ptr<struct ifaddrs, void (*)(struct ifaddrs*)> owned(first, ::freeifaddrs);
  for (auto* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    sockaddr_storage address{};
    bool isFour = entry->ifa_addr->sa_family == AF_INET;
    if (!isFour && entry->ifa_addr->sa_family != AF_INET6) continue;
    memcpy(&address, entry->ifa_addr, isFour ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    std::string own = support::hostText(address);
    if (wanted.count(own) > 0) {
      support::fail(Kind::INVALID, "addresses: \"", own.c_str(), "\" is of this node itself (",
                    entry->ifa_name, ")");
    }
  }
}

kj::String describe(const FaultSpec& spec) {
  if (spec.isLink()) return describeLink(spec.link);
  kj::Vector<kj::StringPtr> all;
  for (auto& address : spec.addresses4) all.add(address);
  for (auto& address : spec.addresses6) all.add(address);
  kj::String text = kj::str("drops ");
  if (spec.partsPerMillion != 0) {
    text = kj::str(text, spec.partsPerMillion / 1e4, " % of the ");
  }
  if (spec.protocol != Protocol::ANY) {
    text = kj::str(text, spec.protocol == Protocol::TCP ? "TCP " : "UDP ");
  }
  text = kj::str(text, "packets from ", kj::strArray(all, ", "));
  if (spec.port == 0) return text;
  return kj::str(text, spec.fromPort ? " to and from port " : " to port ", spec.port);
}

kj::String shortName(const support::Id& id) {
  return kj::str(id.text().substr(0, 8).c_str());
}

}  // namespace nodeagent::netfault
