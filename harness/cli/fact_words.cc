#include "harness/cli/fact_words.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <vector>

#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using muster::Facts;

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

Json cpusJson(const std::vector<Facts::Cpu>& cpus) {
  Json list = Json::array();
  for (const Facts::Cpu& cpu : cpus) {
    list.push_back({{"number", cpu.number},
                    {"online", cpu.online},
                    {"model", cpu.model},
                    {"socket", cpu.socket},
                    {"core", cpu.core},
                    {"numa_node", cpu.numaNode}});
  }
  return list;
}

Json numaNodesJson(const std::vector<Facts::NumaNode>& nodes) {
  Json list = Json::array();
  for (const Facts::NumaNode& node : nodes) {
    list.push_back(
        {{"number", node.number}, {"cpus", node.cpus}, {"memory_bytes", node.memoryBytes}});
  }
  return list;
}

Json disksJson(const std::vector<Facts::Disk>& disks) {
  Json list = Json::array();
  for (const Facts::Disk& disk : disks) {
    list.push_back({{"name", disk.name},
                    {"size_bytes", disk.sizeBytes},
                    {"sector_bytes", disk.sectorBytes},
                    {"rotational", disk.rotational},
                    {"read_only", disk.readOnly},
                    {"removable", disk.removable},
                    {"model", disk.model},
                    {"parent", disk.parent}});
  }
  return list;
}

Json mountsJson(const std::vector<Facts::Mount>& mounts) {
  Json list = Json::array();
  for (const Facts::Mount& mount : mounts) {
    list.push_back({{"source", mount.source},
                    {"target", mount.target},
                    {"type", mount.type},
                    {"options", mount.options},
                    {"total_bytes", mount.totalBytes},
                    {"available_bytes", mount.availableBytes}});
  }
  return list;
}

Json interfaceJson(const Facts::Interface& interface) {
  using Family = Facts::Interface::Address::Family;
  Json addresses = Json::array();
  for (const Facts::Interface::Address& address : interface.addresses) {
    const char* family = address.family == Family::kIpv4   ? "ipv4"
                         : address.family == Family::kIpv6 ? "ipv6"
                                                           : "";
    addresses.push_back({{"family", family},
                         {"address", address.text},
                         {"prefix_length", address.prefixLength},
                         {"scope", address.scope}});
  }
  return {{"name", interface.name},
          {"index", interface.index},
          {"mac_address", interface.macAddress},
          {"mtu", interface.mtu},
          {"up", interface.up},
          {"carrier", interface.carrier},
          {"loopback", interface.loopback},
          {"speed_mbit", interface.speedMbit},
          {"driver", interface.driver},
          {"addresses", std::move(addresses)}};
}

Json interfacesJson(const std::vector<Facts::Interface>& interfaces) {
  Json list = Json::array();
  for (const Facts::Interface& interface : interfaces) list.push_back(interfaceJson(interface));
  return list;
}

std::string line(const std::string& name, const std::string& value) {
  std::string padded = name + std::string(name.size() < 10 ? 10 - name.size() : 1, ' ');
  return "  " + padded + (value.empty() ? "-" : support::printable(value)) + "\n";
}

// Returns "4 x Intel(R) Xeon(R)", with one part for each model.
std::string cpusText(const std::vector<Facts::Cpu>& cpus) {
  std::map<std::string, size_t> online;
  for (const Facts::Cpu& cpu : cpus) {
    if (cpu.online) ++online[cpu.model];
  }
  std::vector<std::string> parts;
  for (const auto& [model, count] : online) {
    parts.push_back(std::to_string(count) + (model.empty() ? "" : " x " + model));
  }
  return joined(parts, ", ");
}

std::string memoryText(const Facts::Memory& memory) {
  return sizeText(memory.totalBytes) + ", " + sizeText(memory.availableBytes) + " available" +
         (memory.swapTotalBytes == 0 ? "" : ", swap " + sizeText(memory.swapTotalBytes));
}

std::string disksText(const std::vector<Facts::Disk>& disks) {
  std::vector<std::string> parts;
  for (const Facts::Disk& disk : disks) {
    if (disk.parent.empty()) parts.push_back(disk.name + " " + sizeText(disk.sizeBytes));
  }
  return joined(parts, ", ");
}

std::string networkText(const std::vector<Facts::Interface>& interfaces) {
  std::vector<std::string> parts;
  for (const Facts::Interface& interface : interfaces) {
    if (interface.loopback) continue;
    std::string part = interface.name + (interface.up ? "" : " (down)");
    for (const Facts::Interface::Address& address : interface.addresses) {
      part += " " + address.text + "/" + std::to_string(address.prefixLength);
    }
    parts.push_back(part);
  }
  return joined(parts, ", ");
}

}  // namespace

std::string sizeText(uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (value /= 1024; value >= 1023.95 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", value, kUnits[unit]);
  return text;
}

Json factsJson(const Facts& facts) {
  Json json = {{"hostname", facts.hostname},
               {"os_id", facts.osId},
               {"os_version", facts.osVersion},
               {"os_name", facts.osName},
               {"kernel_release", facts.kernelRelease},
               {"kernel_version", facts.kernelVersion},
               {"architecture", facts.architecture},
               {"boot_id", facts.bootId},
               {"machine_id", facts.machineId},
               {"uptime_seconds", seconds(facts.uptime)},
               {"service_manager", facts.serviceManager},
               {"virtualization", facts.virtualization}};
  json["capabilities"] = facts.capabilities ? Json(*facts.capabilities) : Json(nullptr);
  json["cpus"] = cpusJson(facts.cpus);
  json["numa_nodes"] = numaNodesJson(facts.numaNodes);
  json["memory"] = {{"total_bytes", facts.memory.totalBytes},
                    {"available_bytes", facts.memory.availableBytes},
                    {"swap_total_bytes", facts.memory.swapTotalBytes},
                    {"swap_free_bytes", facts.memory.swapFreeBytes}};
  json["disks"] = disksJson(facts.disks);
  json["mounts"] = mountsJson(facts.mounts);
  json["interfaces"] = interfacesJson(facts.interfaces);
  json["agent"] = {{"version", facts.agent.version},
                   {"started", seconds(facts.agent.started.time_since_epoch())},
                   {"resident_bytes", facts.agent.residentBytes},
                   {"jobs_running", facts.agent.jobsRunning},
                   {"sessions", facts.agent.sessions}};
  return json;
}

std::string factsText(const Facts& facts) {
  std::string kind = facts.virtualization.empty() ? "" : ", " + facts.virtualization;
  std::string manager = facts.serviceManager.empty() ? "none" : facts.serviceManager;
  return line("host", facts.hostname) + line("system", facts.osName) +
         line("kernel", facts.kernelRelease + ", " + facts.architecture + kind) +
         line("up", ageText(facts.uptime)) + line("services", manager) +
         line("cpus", cpusText(facts.cpus)) + line("memory", memoryText(facts.memory)) +
         line("disks", disksText(facts.disks)) +
         line("mounts", std::to_string(facts.mounts.size())) +
         line("network", networkText(facts.interfaces)) +
         line("agent", facts.agent.version + ", " + sizeText(facts.agent.residentBytes) +
                           ", commands that run: " + std::to_string(facts.agent.jobsRunning));
}

}  // namespace harness
