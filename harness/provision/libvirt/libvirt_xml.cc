#include "harness/provision/libvirt/libvirt_xml.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "harness/provision/agent_files.h"
#include "harness/provision/libvirt/machine_networks.h"
#include "harness/provision/libvirt/node_root.h"

namespace harness {
namespace {

// The period of the kernel's limit of processor time.
constexpr int kPeriodMicroseconds = 100000;

std::string textOf(const pugi::xml_document& document) {
  std::ostringstream text;
  document.save(text, "  ", pugi::format_indent | pugi::format_no_declaration);
  return text.str();
}

pugi::xml_node addText(pugi::xml_node parent, const char* name, const std::string& text) {
  pugi::xml_node child = parent.append_child(name);
  child.text() = text.c_str();
  return child;
}

// Adds an element without content that has one attribute.
void addWith(pugi::xml_node parent, const char* name, const char* attribute,
             const std::string& value) {
  parent.append_child(name).append_attribute(attribute) = value.c_str();
}

void addResources(pugi::xml_node domain, const LibvirtNodeSettings& settings) {
  addText(domain, "memory", std::to_string(settings.memoryBytes)).append_attribute("unit") = "b";
  double cpus = settings.cpus > 0 ? settings.cpus : 1;
  addText(domain, "vcpu", std::to_string(static_cast<int>(std::ceil(cpus))));
  if (settings.cpus == 0) return;
  pugi::xml_node tune = domain.append_child("cputune");
  addText(tune, "period", std::to_string(kPeriodMicroseconds));
  addText(tune, "quota", std::to_string(std::lround(settings.cpus * kPeriodMicroseconds)));
}

void addInterface(pugi::xml_node devices, const DomainPlan& plan) {
  pugi::xml_node interface = devices.append_child("interface");
  interface.append_attribute("type") = "network";
  addWith(interface, "source", "network", networkName(plan.mark.cluster));
  addWith(interface, "mac", "address", hardwareAddress(plan.mark.cluster, plan.address));
  pugi::xml_node ip = interface.append_child("ip");
  ip.append_attribute("family") = "ipv4";
  ip.append_attribute("address") = plan.address.c_str();
  ip.append_attribute("prefix") = "24";
}

void addMount(pugi::xml_node devices, const std::string& from, const std::string& to) {
  pugi::xml_node mount = devices.append_child("filesystem");
  mount.append_attribute("type") = "mount";
  addWith(mount, "source", "dir", from);
  addWith(mount, "target", "dir", to);
}

}  // namespace

std::string containerXml(const DomainPlan& plan) {
  pugi::xml_document document;
  pugi::xml_node domain = document.append_child("domain");
  domain.append_attribute("type") = "lxc";
  addText(domain, "name", domainName(plan.mark.cluster, plan.mark.node));
  addMark(domain, plan.mark);
  addResources(domain, plan.settings);
  pugi::xml_node system = domain.append_child("os");
  addText(system, "type", "exe");
  std::vector<std::string> argv = firstProcess(plan.settings.init);
  addText(system, "init", argv[0]);
  for (size_t i = 1; i < argv.size(); ++i) addText(system, "initarg", argv[i]);
  addText(domain, "on_poweroff", "destroy");
  addText(domain, "on_reboot", "restart");
  addText(domain, "on_crash", "destroy");
  pugi::xml_node devices = domain.append_child("devices");
  addMount(devices, plan.root, "/");
  addMount(devices, plan.bootId, "/proc/sys/kernel/random/boot_id");
  addInterface(devices, plan);
  devices.append_child("console").append_attribute("type") = "pty";
  return textOf(document);
}

std::string networkXml(const LibvirtMark& mark, const std::string& subnet) {
  pugi::xml_document document;
  pugi::xml_node network = document.append_child("network");
  addText(network, "name", networkName(mark.cluster));
  addMark(network, mark);
  pugi::xml_node bridge = network.append_child("bridge");
  // Frames pass at once.
  bridge.append_attribute("stp") = "off";
  bridge.append_attribute("delay") = "0";
  addWith(network, "dns", "enable", "no");
  pugi::xml_node ip = network.append_child("ip");
  ip.append_attribute("address") = (subnet + ".1").c_str();
  ip.append_attribute("prefix") = "24";
  return textOf(document);
}

std::string subnetIn(const std::string& networkXml) {
  pugi::xml_document document;
  if (!document.load_string(networkXml.c_str())) return "";
  std::string address = document.document_element().child("ip").attribute("address").value();
  return address.substr(0, std::min(address.rfind('.'), address.size()));
}

std::string hardwareAddress(const std::string& cluster, const std::string& address) {
  // FNV-1a.
  uint32_t hash = 2166136261U;
  for (unsigned char each : cluster) hash = (hash ^ each) * 16777619U;
  uint32_t number = ipv4In(address).value_or(0);
  std::array<char, 18> text{};
  // The first byte is that of an address which is administered locally, and libvirt's own.
  std::snprintf(text.data(), text.size(), "52:54:%02x:%02x:%02x:%02x", hash >> 8 & 0xff,
                hash & 0xff, number >> 8 & 0xff, number & 0xff);
  return text.data();
}

}  // namespace harness
