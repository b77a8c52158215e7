// Names and metadata by which domains and networks are known as those of a cluster, whatever was
// killed. Each has its metadata, in an XML namespace of ours, from the moment that it exists.
#pragma once

#include <optional>
#include <string>

#include <pugixml.hpp>

namespace harness {

struct LibvirtMark {
  // The store of clusters that the cluster belongs to (UpRequest::owner).
  std::string owner;
  std::string cluster;
  // The directory of the cluster: two users of one libvirt may have clusters of one name.
  std::string directory;
  // Empty for what belongs to all nodes.
  std::string node;
};

// Adds the element <metadata> to a domain or network.
void addMark(pugi::xml_node thing, const LibvirtMark& mark);

// Reads the description of a domain or network. nullopt: it bears no mark of ours.
std::optional<LibvirtMark> markIn(const std::string& xml);

// Returns "muster-CLUSTER-NODE". Two nodes of two clusters may share it, such as those of "a-b" and
// "a": the mark tells them apart.
std::string domainName(const std::string& cluster, const std::string& node);
// Returns "muster-CLUSTER".
std::string networkName(const std::string& cluster);

}  // namespace harness
