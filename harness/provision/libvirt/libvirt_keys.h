// LibvirtSettings holds the settings of a cluster file for nodes that are domains of libvirt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/cluster/kind_keys.h"

namespace harness {

enum class DomainInit { kMinimal, kSystemd };

struct LibvirtNodeSettings {
  // A directory of this machine whose content is the root file system. What a node writes does not
  // reach it.
  std::string rootfs = "/";
  DomainInit init = DomainInit::kMinimal;
  // The most that the domain may use.
  uint64_t memoryBytes = 1 << 30;
  // 0: no limit.
  double cpus = 0;
  // Shell commands, run as root at every start of the node, in order.
  std::vector<std::string> boot;
};

struct LibvirtSettings {
  std::string uri;
  // The first three numbers of the network's addresses, such as "10.78.5". Empty: a free one.
  std::string subnet;
  // In the order of the plan.
  std::vector<LibvirtNodeSettings> nodes;
};

// The addresses of a network end with 11 to 210, so that the low numbers stay free.
inline constexpr size_t kDomainsMax = 200;

KindKeys libvirtKeys();

// Throws ClusterFileError for a plan that cannot be.
LibvirtSettings readLibvirtSettings(const ClusterPlan& plan);

// Returns the address of node `index` on the network `subnet`, such as "10.78.5.11".
std::string domainAddress(const std::string& subnet, size_t index);

}  // namespace harness
