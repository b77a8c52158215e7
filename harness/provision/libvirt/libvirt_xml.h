// Composes the descriptions of domains and networks (https://libvirt.org/format.html). Nothing is
// asked and nothing made.
#pragma once

#include <string>

#include "harness/provision/libvirt/libvirt_keys.h"
#include "harness/provision/libvirt/libvirt_mark.h"

namespace harness {

struct DomainPlan {
  LibvirtMark mark;
  LibvirtNodeSettings settings;
  // The first three numbers of the address.
  std::string subnet;
  std::string address;
  // The directory that is the root file system.
  std::string root;
  // A file that the node sees as its boot id: that of the machine is the same at each start.
  std::string bootId;
};

// Describes the container of a node, whose process 1 is the agent or systemd.
std::string containerXml(const DomainPlan& plan);

// Describes an isolated network, on which this machine has the address that ends with 1. Nodes get
// their addresses from libvirt, and names from /etc/hosts: no server runs for it.
std::string networkXml(const LibvirtMark& mark, const std::string& subnet);

// Returns the subnet of a network that networkXml has described. Empty: it has none.
std::string subnetIn(const std::string& networkXml);

// Returns a hardware address that is the same at every start of a node. It ends with the last two
// numbers of its address; the rest is made of the cluster's name.
std::string hardwareAddress(const std::string& cluster, const std::string& address);

}  // namespace harness
