#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <string.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/text.h"
#include "nodeagent/os/init_system.h"
#include "nodeagent/os/process.h"
#include "schema/support/base/capability_names.h"

namespace nodeagent::facts {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

// Returns systemd-detect-virt's name for the hypervisor, which introduces itself to the guest by
// the CPUID instruction. Empty on machines without that instruction, "vm-other" for an unknown one.
kj::StringPtr hypervisorName() {
#ifdef __x86_64__
  constexpr unsigned kHypervisorBit = 1U << 31;
  constexpr unsigned kHypervisorLeaf = 0x40000000;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kHypervisorBit) == 0) return "none";
  unsigned words[3];
  __cpuid(kHypervisorLeaf, a, words[0], words[1], words[2]);
  constexpr struct {
    const char* signature;
    const char* name;
  } kKnown[] = {{"KVMKVMKVM", "kvm"},          {"TCGTCGTCGTCG", "qemu"}, {"VMwareVMware", "vmware"},
                {"Microsoft Hv", "microsoft"}, {"XenVMMXenVMM", "xen"},  {"bhyve bhyve ", "bhyve"},
                {"QNXQVMBSQG", "qnx"},         {"ACRNACRNACRN", "acrn"}};
  for (auto& known : kKnown) {
    if (memcmp(words, known.signature, strlen(known.signature)) == 0) return known.name;
  }
  return "vm-other";
#else
  return "";
#endif
}

// Returns the name by which a container manager introduces itself to the processes that it starts;
// empty if there is none.
std::string containerName(const std::string& root) {
  std::string name = readLine(root + "/run/systemd/container");
  if (!name.empty()) return name;
  std::string environment = readAllText(root + "/proc/1/environ");
  for (size_t begin = 0; begin < environment.size();) {
    std::string entry = environment.c_str() + begin;
    if (entry.starts_with("container=")) return entry.size() > 10 ? entry.substr(10) : "container";
    begin += entry.size() + 1;
  }
  return "";
}

kj::StringPtr initSystemText() {
  switch (initSystem()) {
    case InitSystem::kSystemd:
      return "systemd";
    case InitSystem::kOpenrc:
      return "openrc";
    case InitSystem::kSysv:
      return "sysv";
    case InitSystem::kUnknown:
      break;
  }
  return "";
}

// Returns how long the first process of the node has been there. A node that shares a kernel has a
// first process of its own; elsewhere that is the kernel's age but for its start.
int64_t uptimeNs() {
  struct timespec now = {};
  if (::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  int64_t ageNs = now.tv_sec * kSecondNs + now.tv_nsec;
  KJ_IF_MAYBE (first, readProcess(1)) {
    auto ticks = static_cast<int64_t>(first->startTicks);
    ageNs -= ticks * (kSecondNs / ::sysconf(_SC_CLK_TCK));
  }
  return ageNs;
}

// Reads the effective capabilities from a file of the form of /proc/self/status. Those that came
// after this program was written have no name in it. Leaves the field null if the file has none.
void collectCapabilities(const std::string& status, wire::Facts::Builder facts) {
  for (auto& line : splitLines(status)) {
    if (!line.starts_with("CapEff:")) continue;
    uint64_t effective = std::strtoull(line.c_str() + strlen("CapEff:"), nullptr, 16);
    std::vector<std::string_view> names;
    for (size_t number = 0; number < support::kCapabilityNames.size(); ++number) {
      if (effective >> number & 1) names.push_back(support::kCapabilityNames[number]);
    }
    auto list = facts.initCapabilities(static_cast<unsigned>(names.size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, std::string(names[i]).c_str());
    return;
  }
}

}  // namespace

std::string osReleaseValue(const std::string& text, const std::string& key) {
  for (auto& line : splitLines(text)) {
    if (!line.starts_with(key + "=")) continue;
    std::string value = trim(line.substr(key.size() + 1));
    bool quoted =
        value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
    if (!quoted) return value;
    std::string plain;
    bool escapes = value[0] == '"';
    for (size_t i = 1; i + 1 < value.size(); ++i) {
      if (escapes && value[i] == '\\' && i + 2 < value.size()) ++i;
      plain += value[i];
    }
    return plain;
  }
  return "";
}

void collectHost(kj::StringPtr rootPath, wire::Facts::Builder facts) {
  std::string root = rootPath.cStr();
  struct utsname names = {};
  if (::uname(&names) == 0) {
    facts.setHostname(plainText(names.nodename));
    facts.setKernelRelease(plainText(names.release));
    facts.setKernelVersion(plainText(names.version));
    facts.setArchitecture(plainText(names.machine));
  }
  std::string release = readAllText(root + "/etc/os-release");
  if (release.empty()) release = readAllText(root + "/usr/lib/os-release");
  facts.setOsId(plainText(osReleaseValue(release, "ID")));
  facts.setOsVersion(plainText(osReleaseValue(release, "VERSION_ID")));
  facts.setOsName(plainText(osReleaseValue(release, "PRETTY_NAME")));
  facts.setBootId(plainText(readLine(root + "/proc/sys/kernel/random/boot_id")));
  facts.setMachineId(plainText(readLine(root + "/etc/machine-id")));
  facts.setUptimeNs(uptimeNs());
  facts.setServiceManager(initSystemText());
  collectCapabilities(readAllText(root + "/proc/self/status"), facts);
  // A container in a virtual machine is reported as a container, the nearer of the two.
  std::string container = containerName(root);
  facts.setVirtualization(container.empty() ? hypervisorName() : plainText(container));
}

}  // namespace nodeagent::facts
