#include "harness/rpc/fault/fault_wire.h"

#include <cmath>

#include <kj/encoding.h>

#include "harness/rpc/bytes.h"
#include "schema/support/base/id.h"

namespace harness {
namespace {

constexpr double kMillion = 1e6;

void writeTexts(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& texts) {
  for (uint32_t i = 0; i < texts.size(); ++i) to.set(i, texts[i].c_str());
}

FaultInfo::State readState(wire::FaultStatus::State from) {
  auto number = static_cast<int>(from);
  bool isKnown = number <= static_cast<int>(FaultInfo::State::kFailed);
  return isKnown ? static_cast<FaultInfo::State>(number) : FaultInfo::State::kUnspecified;
}

}  // namespace

std::string toString(FaultInfo::State state) {
  switch (state) {
    case FaultInfo::State::kSettingUp:
      return "setting up";
    case FaultInfo::State::kActive:
      return "active";
    case FaultInfo::State::kRecovering:
      return "recovering";
    case FaultInfo::State::kGone:
      return "gone";
    case FaultInfo::State::kFailed:
      return "failed";
    case FaultInfo::State::kUnspecified:
      break;
  }
  return "unknown";
}

std::string idText(const std::string& bytes) {
  return support::hex(dataOf(bytes));
}

std::string idBytes(const std::string& hex) {
  auto decoded = kj::decodeHex(kj::arrayPtr(hex.data(), hex.size()));
  return {reinterpret_cast<const char*>(decoded.begin()), decoded.size()};
}

FaultInfo readFaultInfo(wire::FaultStatus::Reader from) {
  FaultInfo info;
  info.id = support::hex(from.getId());
  info.title = stringOf(from.getTitle());
  info.state = readState(from.getState());
  info.since = realtimeOf(from.getSinceRealtimeNs());
  info.remaining = std::chrono::nanoseconds(from.getRemainingNs());
  info.isHeld = from.getIsHeld();
  info.owner = stringOf(from.getOwner());
  for (auto peer : from.getPeers()) info.peers.push_back(stringOf(peer));
  info.text = stringOf(from.getText());
  info.packets = from.getPackets();
  info.bytes = from.getBytes();
  info.reason = stringOf(from.getReason());
  info.witness = stringOf(from.getWitness());
  return info;
}

wire::Drop::Protocol writeProtocol(muster::FaultOptions::Protocol protocol) {
  switch (protocol) {
    case muster::FaultOptions::Protocol::kTcp:
      return wire::Drop::Protocol::TCP;
    case muster::FaultOptions::Protocol::kUdp:
      return wire::Drop::Protocol::UDP;
    case muster::FaultOptions::Protocol::kAny:
      break;
  }
  return wire::Drop::Protocol::ANY;
}

void writeProcesses(wire::Processes::Builder to, const muster::ProcessChoice& from) {
  switch (from.by) {
    case muster::ProcessChoice::By::kName:
      return to.setName(from.name.c_str());
    case muster::ProcessChoice::By::kUnit:
      return to.setUnit(from.name.c_str());
    case muster::ProcessChoice::By::kPid:
      return to.setPid(from.pid);
  }
}

namespace {

// Writes the effect of a fault on one node.
struct WriteEffect {
  using Effect = wire::FaultSpec::Effect::Builder;
  Effect to;

  void operator()(const fault::Pause& from) { writeProcesses(to.initPause(), from.processes); }
  void operator()(const fault::UseMemory& from) {
    auto memory = to.initMemory();
    memory.setBytes(from.bytes);
    memory.setLeave(from.leave);
  }
  void operator()(const fault::UseCpu& from) { to.initCpu().setThreads(from.threads); }
  void operator()(const fault::FillDisk& from) {
    auto full = to.initFull();
    full.setDirectory(from.directory.c_str());
    full.setLeave(from.leave);
    full.setEvenOurs(from.evenOurs);
  }
  void operator()(const fault::MakeReadOnly& from) {
    to.initReadOnly().setDirectory(from.directory.c_str());
  }
  void operator()(const fault::DisturbDisk& from) {
    const muster::DiskDisturbance& how = from.disturbance;
    auto disk = to.initDisk();
    disk.setDirectory(from.directory.c_str());
    disk.setDelayNs(how.delay.count());
    disk.setBytesPerSecond(how.bytesPerSecond);
    disk.setFailFrom(how.failFrom);
    disk.setFailCount(how.failCount);
    bool isFull = how.failWith == muster::DiskDisturbance::WriteError::kNoSpace;
    disk.setFailWith(isFull ? wire::DisturbedDisk::WriteError::NO_SPACE
                            : wire::DisturbedDisk::WriteError::IO);
    disk.setLosesUnsynced(how.losesUnsynced);
  }
  void operator()(const fault::TakeDown& from) {
    auto down = to.initDown();
    down.setInterface(from.interface.c_str());
    down.setEvenOurs(from.evenOurs);
  }
  void operator()(const fault::UseUpDescriptors& from) {
    auto descriptors = to.initDescriptors();
    writeProcesses(descriptors.initProcesses(), from.processes);
    descriptors.setLeave(from.leave);
  }
};

uint32_t toPpm(double share) {
  return static_cast<uint32_t>(std::lround(share * kMillion));
}

void writeLink(wire::Link::Builder to, const muster::Degradation& from,
               const std::string& interface) {
  to.setInterface(interface.c_str());
  to.setBitsPerSecond(from.bitsPerSecond);
  to.setDelayNs(from.delay.count());
  to.setJitterNs(from.jitter.count());
  to.setDuplicatePpm(toPpm(from.duplicate));
  to.setReorderPpm(toPpm(from.reorder));
  to.setCorruptPpm(toPpm(from.corrupt));
}

}  // namespace

void writeFaultSpec(wire::FaultSpec::Builder to, const std::string& id, const fault::Plan& plan,
                    const fault::Part& part, std::chrono::nanoseconds hold) {
  to.setId(dataOf(id));
  to.setTitle(plan.shape.title.c_str());
  to.setHoldNs(hold.count());
  if (plan.effect) {
    std::visit(WriteEffect{to.initEffect()}, *plan.effect);
    return;
  }
  if (plan.degradation) {
    writeLink(to.initEffect().initLink(), *plan.degradation, part.interface);
    return;
  }
  auto drop = to.initEffect().initDrop();
  writeTexts(drop.initAddresses(static_cast<uint32_t>(part.addresses.size())), part.addresses);
  writeTexts(drop.initPeers(static_cast<uint32_t>(part.peers.size())), part.peers);
  drop.setProtocol(writeProtocol(plan.options.protocol));
  drop.setPort(plan.options.port);
  drop.setFromPort(!plan.shape.isOneWay);
  auto ports = drop.initPeerPorts(static_cast<uint32_t>(plan.agentPorts.size()));
  for (uint32_t i = 0; i < plan.agentPorts.size(); ++i) ports.set(i, plan.agentPorts[i]);
  bool isAll = plan.options.loss >= 1;
  drop.setPartsPerMillion(isAll ? 0
                                : static_cast<uint32_t>(std::lround(plan.options.loss * kMillion)));
}

}  // namespace harness
