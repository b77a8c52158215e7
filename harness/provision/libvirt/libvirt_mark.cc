#include "harness/provision/libvirt/libvirt_mark.h"

namespace harness {
namespace {

constexpr char kNamespace[] = "urn:muster:libvirt:1";
constexpr char kElement[] = "muster:mark";

}  // namespace

void addMark(pugi::xml_node thing, const LibvirtMark& mark) {
  pugi::xml_node element = thing.append_child("metadata").append_child(kElement);
  element.append_attribute("xmlns:muster") = kNamespace;
  element.append_attribute("owner") = mark.owner.c_str();
  element.append_attribute("cluster") = mark.cluster.c_str();
  element.append_attribute("directory") = mark.directory.c_str();
  if (!mark.node.empty()) element.append_attribute("node") = mark.node.c_str();
}

std::optional<LibvirtMark> markIn(const std::string& xml) {
  pugi::xml_document document;
  if (!document.load_string(xml.c_str())) return std::nullopt;
  for (pugi::xml_node element : document.document_element().child("metadata").children(kElement)) {
    if (std::string(element.attribute("xmlns:muster").value()) != kNamespace) continue;
    return LibvirtMark{.owner = element.attribute("owner").value(),
                       .cluster = element.attribute("cluster").value(),
                       .directory = element.attribute("directory").value(),
                       .node = element.attribute("node").value()};
  }
  return std::nullopt;
}

std::string domainName(const std::string& cluster, const std::string& node) {
  return networkName(cluster) + "-" + node;
}

std::string networkName(const std::string& cluster) {
  return "muster-" + cluster;
}

}  // namespace harness
