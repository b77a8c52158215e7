#include "nodeagent/netfault/fault_spec.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include <memory>
#include <set>
#include <string>

#include <kj/vector.h>

#include "nodeagent/os/process.h"
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
constexpr uint32_t kLeaveMax = 1'000'000;
constexpr uint32_t kThreadsMax = 1024;
// More would not fit a size of a file.
constexpr uint64_t kBytesMax = uint64_t{1} << 62;
constexpr size_t kPathBytesMax = 4000;
constexpr int64_t kDiskDelayMaxNs = 10'000'000'000;
// A piece of 1 MiB still passes in four minutes.
constexpr uint64_t kDiskRateMin = 4096;
constexpr int64_t kOursHoldMaxNs = 600'000'000'000;

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

kj::String nameOfProcess(const char* field, kj::StringPtr from) {
  if (isProcessName(from)) return kj::str(from);
  support::fail(Kind::INVALID, field, ": is not 1 to ", kProcessNameBytesMax,
                " bytes without slash and control characters");
}

LocalSpec readDescriptors(wire::Descriptors::Reader from) {
  LocalSpec local{"descriptors"_kj, readProcesses(from.getProcesses()), from.getLeave()};
  if (local.leave <= kLeaveMax) return local;
  support::fail(Kind::INVALID, "leave: ", local.leave, " is above ", kLeaveMax);
}

kj::String readDirectory(kj::StringPtr path) {
  bool isPlain = path.startsWith("/") && path.size() <= kPathBytesMax;
  for (char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) isPlain = false;
  }
  if (isPlain) return kj::str(path);
  support::fail(Kind::INVALID, "directory: is no absolute path of at most ", kPathBytesMax,
                " bytes without control characters");
}

uint64_t readBytes(const char* field, uint64_t bytes) {
  if (bytes <= kBytesMax) return bytes;
  support::fail(Kind::INVALID, field, ": ", bytes, " is above ", kBytesMax);
}

int errorOf(wire::DisturbedDisk::WriteError error) {
  switch (error) {
    case wire::DisturbedDisk::WriteError::IO:
      return EIO;
    case wire::DisturbedDisk::WriteError::NO_SPACE:
      return ENOSPC;
  }
  support::fail(Kind::INVALID, "failWith: is none that this agent knows");
}

LocalSpec readDisk(wire::DisturbedDisk::Reader from) {
  LocalSpec local{"disk"_kj};
  local.directory = readDirectory(from.getDirectory());
  local.losesUnsynced = from.getLosesUnsynced();
  disk::DisturbanceSpec& disturbance = local.disturbance;
  disturbance.delayNs = from.getDelayNs();
  if (disturbance.delayNs < 0 || disturbance.delayNs > kDiskDelayMaxNs) {
    support::fail(Kind::INVALID, "delayNs: ", disturbance.delayNs, " is not between 0 and 10 s");
  }
  disturbance.bytesPerSecond = from.getBytesPerSecond();
  if (disturbance.bytesPerSecond != 0 && disturbance.bytesPerSecond < kDiskRateMin) {
    support::fail(Kind::INVALID, "bytesPerSecond: ", disturbance.bytesPerSecond, " is below ",
                  kDiskRateMin);
  }
  disturbance.failFrom = from.getFailFrom();
  disturbance.failCount = from.getFailCount();
  if (disturbance.failFrom == 0 && disturbance.failCount != 0) {
    support::fail(Kind::INVALID, "failCount: is given without failFrom");
  }
  disturbance.failError = errorOf(from.getFailWith());
  bool disturbs =
      disturbance.delayNs > 0 || disturbance.bytesPerSecond > 0 || disturbance.failFrom > 0;
  if (disturbs || local.losesUnsynced) return local;
  support::fail(Kind::INVALID, "disk: neither a delay nor anything else is asked for");
}

LocalSpec readDown(wire::InterfaceDown::Reader from, int64_t holdNs) {
  if (!isInterfaceName(from.getInterface())) {
    support::fail(Kind::INVALID, "interface: is no name of an interface");
  }
  if (from.getEvenOurs() && (holdNs == 0 || holdNs > kOursHoldMaxNs)) {
    support::fail(Kind::INVALID, "holdNs: ", holdNs,
                  " is not between 1 ns and 10 min, which evenOurs needs");
  }
  LocalSpec local{"down"_kj};
  local.interface = kj::str(from.getInterface());
  local.evenOurs = from.getEvenOurs();
  return local;
}

// Returns an effect without a kind where the message has another.
LocalSpec readLocal(wire::FaultSpec::Effect::Reader from, int64_t holdNs) {
  LocalSpec local;
  if (from.isPause()) {
    local = LocalSpec{"pause"_kj, readProcesses(from.getPause())};
  } else if (from.isDescriptors()) {
    local = readDescriptors(from.getDescriptors());
  } else if (from.isMemory()) {
    local.kind = "memory"_kj;
    local.amount = readBytes("bytes", from.getMemory().getBytes());
    local.leave = readBytes("leave", from.getMemory().getLeave());
  } else if (from.isCpu()) {
    local.kind = "cpu"_kj;
    local.amount = from.getCpu().getThreads();
    if (local.amount == 0 || local.amount > kThreadsMax) {
      support::fail(Kind::INVALID, "threads: ", local.amount, " is not between 1 and ",
                    kThreadsMax);
    }
  } else if (from.isFull()) {
    local.kind = "full"_kj;
    local.directory = readDirectory(from.getFull().getDirectory());
    local.leave = readBytes("leave", from.getFull().getLeave());
    local.evenOurs = from.getFull().getEvenOurs();
  } else if (from.isReadOnly()) {
    local.kind = "read-only"_kj;
    local.directory = readDirectory(from.getReadOnly().getDirectory());
  } else if (from.isDisk()) {
    local = readDisk(from.getDisk());
  } else if (from.isDown()) {
    local = readDown(from.getDown(), holdNs);
  }
  return local;
}

kj::String describeDisk(const LocalSpec& local) {
  kj::Vector<kj::String> parts;
  const disk::DisturbanceSpec& disturbance = local.disturbance;
  if (disturbance.delayNs > 0) parts.add(kj::str("delay ", disturbance.delayNs / 1e6, " ms"));
  if (disturbance.bytesPerSecond > 0) {
    parts.add(kj::str("rate ", disturbance.bytesPerSecond, " byte/s"));
  }
  if (disturbance.failFrom > 0) {
    auto count = disturbance.failCount == 0 ? kj::str("all") : kj::str(disturbance.failCount);
    parts.add(kj::str(count, " failed writes from number ", disturbance.failFrom, " on"));
  }
  if (local.losesUnsynced) parts.add(kj::str("loss of what is not synced"));
  return kj::str("serves the files below ", local.directory, " with ", kj::strArray(parts, ", "));
}

kj::String describeLocal(const LocalSpec& local) {
  if (local.kind == "disk"_kj) return describeDisk(local);
  if (local.kind == "pause"_kj) return kj::str("pauses ", describe(local.processes));
  if (local.kind == "cpu"_kj) return kj::str("keeps ", local.amount, " threads busy");
  if (local.kind == "down"_kj) return kj::str("takes interface ", local.interface, " down");
  if (local.kind == "read-only"_kj) return kj::str("makes ", local.directory, " read-only");
  if (local.kind == "full"_kj) {
    return kj::str("leaves ", local.leave, " bytes free on the disk of ", local.directory);
  }
  if (local.kind == "memory"_kj) {
    return local.amount > 0 ? kj::str("uses ", local.amount, " bytes of memory")
                            : kj::str("leaves ", local.leave, " bytes of memory available");
  }
  return kj::str("leaves ", local.leave, " descriptors to each of the ", describe(local.processes));
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
    spec->local = readLocal(effect, spec->holdNs);
  }
  if (effect.isUnspecified() || (spec->isDrop() && !effect.isDrop())) {
    support::fail(Kind::UNSUPPORTED, "effect: is none that this agent knows");
  }
  return spec;
}

ProcessChoice readProcesses(wire::Processes::Reader from) {
  ProcessChoice choice;
  if (from.isName()) {
    choice.by = ProcessChoice::By::kName;
    choice.text = nameOfProcess("name", from.getName());
  } else if (from.isPid()) {
    choice.by = ProcessChoice::By::kPid;
    choice.pid = from.getPid();
    if (choice.pid <= 0) support::fail(Kind::INVALID, "pid: ", choice.pid, " is no process");
  } else if (from.isUnit()) {
    choice.by = ProcessChoice::By::kUnit;
    kj::String unit = nameOfProcess("unit", from.getUnit());
    choice.text = unit.findFirst('.') == nullptr ? kj::str(unit, ".service") : kj::mv(unit);
  } else {
    support::fail(Kind::INVALID, "processes: neither a name nor a unit nor a pid is given");
  }
  return choice;
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
  if (spec.isLocal()) return describeLocal(spec.local);
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
