// Facts and service answers from the schema to the public values.
#include "harness/rpc/controller_node.h"

namespace harness {
namespace {

std::string text(capnp::Text::Reader value) {
  return std::string(value.begin(), value.size());
}

std::string bytes(capnp::Data::Reader value) {
  return std::string(reinterpret_cast<const char*>(value.begin()), value.size());
}

std::chrono::system_clock::time_point realtime(int64_t ns) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(ns)));
}

void readHardware(muster::Facts& facts, wire::Facts::Reader from) {
  for (auto cpu : from.getCpus()) {
    facts.cpus.push_back({cpu.getNumber(), cpu.getOnline(), text(cpu.getModel()), cpu.getSocket(),
                          cpu.getCore(), cpu.getNumaNode()});
  }
  for (auto node : from.getNumaNodes()) {
    muster::NumaNode& to = facts.numaNodes.emplace_back();
    to.number = node.getNumber();
    for (uint32_t cpu : node.getCpus()) to.cpus.push_back(cpu);
    to.memoryBytes = node.getMemoryBytes();
  }
  auto memory = from.getMemory();
  facts.memory = {memory.getTotalBytes(), memory.getAvailableBytes(), memory.getSwapTotalBytes(),
                  memory.getSwapFreeBytes()};
  for (auto disk : from.getDisks()) {
    facts.disks.push_back({text(disk.getName()), disk.getSizeBytes(), disk.getSectorBytes(),
                           disk.getRotational(), disk.getReadOnly(), disk.getRemovable(),
                           text(disk.getModel()), text(disk.getParent())});
  }
  for (auto mount : from.getMounts()) {
    facts.mounts.push_back({text(mount.getSource()), bytes(mount.getTarget()),
                            text(mount.getType()), text(mount.getOptions()), mount.getTotalBytes(),
                            mount.getAvailableBytes()});
  }
}

muster::Interface readInterface(wire::Interface::Reader from) {
  muster::Interface to;
  to.name = text(from.getName());
  to.index = from.getIndex();
  to.macAddress = text(from.getMacAddress());
  to.mtu = from.getMtu();
  to.up = from.getUp();
  to.carrier = from.getCarrier();
  to.loopback = from.getLoopback();
  to.speedMbit = from.getSpeedMbit();
  to.driver = text(from.getDriver());
  for (auto address : from.getAddresses()) {
    to.addresses.push_back({static_cast<muster::InterfaceAddress::Family>(
                                std::min<uint16_t>(static_cast<uint16_t>(address.getFamily()), 2)),
                            text(address.getText()), address.getPrefixLength(),
                            text(address.getScope())});
  }
  return to;
}

// The enumerant if we know it, otherwise "unspecified", which is 0 in every enum of both sides.
template <typename To, typename From>
To known(From from, To last) {
  auto number = static_cast<int>(from);
  return number <= static_cast<int>(last) ? static_cast<To>(number) : static_cast<To>(0);
}

}  // namespace

muster::Facts readFacts(wire::Facts::Reader from) {
  muster::Facts facts;
  facts.hostname = text(from.getHostname());
  facts.osId = text(from.getOsId());
  facts.osVersion = text(from.getOsVersion());
  facts.osName = text(from.getOsName());
  facts.kernelRelease = text(from.getKernelRelease());
  facts.kernelVersion = text(from.getKernelVersion());
  facts.architecture = text(from.getArchitecture());
  facts.bootId = text(from.getBootId());
  facts.machineId = text(from.getMachineId());
  facts.uptime = std::chrono::nanoseconds(from.getUptimeNs());
  facts.serviceManager = text(from.getServiceManager());
  facts.virtualization = text(from.getVirtualization());
  readHardware(facts, from);
  for (auto interface : from.getInterfaces()) facts.interfaces.push_back(readInterface(interface));
  auto agent = from.getAgent();
  facts.agent = {text(agent.getVersion()), realtime(agent.getStartedRealtimeNs()),
                 agent.getResidentBytes(), agent.getJobsRunning(), agent.getSessions()};
  return facts;
}

muster::ServiceStatus readServiceStatus(wire::ServiceStatus::Reader from) {
  using Status = muster::ServiceStatus;
  Status status;
  status.manager = known(from.getManager(), Status::Manager::kSysv);
  status.state = known(from.getState(), Status::State::kFailed);
  status.substate = text(from.getSubstate());
  status.mainPid = from.getMainPid();
  status.enabled = known(from.getEnabled(), Status::Enabled::kStatic);
  status.description = text(from.getDescription());
  for (auto line : from.getLog()) status.log.push_back(text(line));
  return status;
}

}  // namespace harness
