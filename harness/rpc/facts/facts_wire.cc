#include "harness/rpc/facts/facts_wire.h"

#include <algorithm>

#include "harness/rpc/bytes.h"

namespace harness {
namespace {

void readHardware(muster::Facts& facts, wire::Facts::Reader from) {
  for (auto cpu : from.getCpus()) {
    facts.cpus.push_back({cpu.getNumber(), cpu.getOnline(), stringOf(cpu.getModel()),
                          cpu.getSocket(), cpu.getCore(), cpu.getNumaNode()});
  }
  for (auto node : from.getNumaNodes()) {
    muster::Facts::NumaNode& to = facts.numaNodes.emplace_back();
    to.number = node.getNumber();
    for (uint32_t cpu : node.getCpus()) to.cpus.push_back(cpu);
    to.memoryBytes = node.getMemoryBytes();
  }
  auto memory = from.getMemory();
  facts.memory = {memory.getTotalBytes(), memory.getAvailableBytes(), memory.getSwapTotalBytes(),
                  memory.getSwapFreeBytes()};
  for (auto disk : from.getDisks()) {
    facts.disks.push_back({stringOf(disk.getName()), disk.getSizeBytes(), disk.getSectorBytes(),
                           disk.getRotational(), disk.getReadOnly(), disk.getRemovable(),
                           stringOf(disk.getModel()), stringOf(disk.getParent())});
  }
  for (auto mount : from.getMounts()) {
    facts.mounts.push_back({stringOf(mount.getSource()), stringOf(mount.getTarget()),
                            stringOf(mount.getType()), stringOf(mount.getOptions()),
                            mount.getTotalBytes(), mount.getAvailableBytes()});
  }
}

muster::Facts::Interface readInterface(wire::Interface::Reader from) {
  muster::Facts::Interface to;
  to.name = stringOf(from.getName());
  to.index = from.getIndex();
  to.macAddress = stringOf(from.getMacAddress());
  to.mtu = from.getMtu();
  to.up = from.getUp();
  to.carrier = from.getCarrier();
  to.loopback = from.getLoopback();
  to.speedMbit = from.getSpeedMbit();
  to.driver = stringOf(from.getDriver());
  for (auto address : from.getAddresses()) {
    to.addresses.push_back({static_cast<muster::Facts::Interface::Address::Family>(
                                std::min<uint16_t>(static_cast<uint16_t>(address.getFamily()), 2)),
                            stringOf(address.getText()), address.getPrefixLength(),
                            stringOf(address.getScope())});
  }
  return to;
}

}  // namespace

muster::Facts readFacts(wire::Facts::Reader from) {
  muster::Facts facts;
  facts.hostname = stringOf(from.getHostname());
  facts.osId = stringOf(from.getOsId());
  facts.osVersion = stringOf(from.getOsVersion());
  facts.osName = stringOf(from.getOsName());
  facts.kernelRelease = stringOf(from.getKernelRelease());
  facts.kernelVersion = stringOf(from.getKernelVersion());
  facts.architecture = stringOf(from.getArchitecture());
  facts.bootId = stringOf(from.getBootId());
  facts.machineId = stringOf(from.getMachineId());
  facts.uptime = std::chrono::nanoseconds(from.getUptimeNs());
  facts.serviceManager = stringOf(from.getServiceManager());
  facts.virtualization = stringOf(from.getVirtualization());
  if (from.hasCapabilities()) {
    auto& names = facts.capabilities.emplace();
    for (auto name : from.getCapabilities()) names.push_back(stringOf(name));
  }
  readHardware(facts, from);
  for (auto interface : from.getInterfaces()) facts.interfaces.push_back(readInterface(interface));
  auto agent = from.getAgent();
  facts.agent = {stringOf(agent.getVersion()), realtimeOf(agent.getStartedRealtimeNs()),
                 agent.getResidentBytes(), agent.getJobsRunning(), agent.getSessions()};
  return facts;
}

const char* wordOf(wire::SnapshotItem::Kind kind) {
  constexpr const char* kWords[] = {"thing",    "process", "mount", "address",
                                    "listener", "rule",    "qdisc", "service"};
  auto index = static_cast<size_t>(kind);
  return kWords[index < std::size(kWords) ? index : 0];
}

kj::Promise<Snapshot> askSnapshot(Connection& connection, SteadyTime until) {
  return connection.call<Snapshot>(until, [](EstablishedConnection& established) {
    return established.get<wire::FactsView>().snapshotRequest().send().then([](auto&& response) {
      requireNoError(response);
      Snapshot snapshot;
      for (auto item : response.getItems()) {
        snapshot.push_back({wordOf(item.getKind()), stringOf(item.getWhat())});
      }
      return snapshot;
    });
  });
}

kj::Promise<muster::Facts> askFacts(Connection& connection, SteadyTime until) {
  return connection.call<muster::Facts>(until, [](EstablishedConnection& established) {
    return established.get<wire::FactsView>().readRequest().send().then([](auto&& response) {
      requireNoError(response);
      return readFacts(response.getFacts());
    });
  });
}

}  // namespace harness
