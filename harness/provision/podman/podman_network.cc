#include "harness/provision/podman/podman_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "harness/provision/error.h"
#include "schema/support/base/endpoint.h"

namespace harness {
namespace {

// The low addresses are left to the gateway, and to what people give by hand.
constexpr uint32_t kFirstAddress = 11;

// Null: podman has no such network.
nlohmann::json inspectNetwork(const std::string& name, const Podman& podman) {
  if (!podman.attempt({"network", "exists", name}).succeeded()) return nullptr;
  nlohmann::json found = podman.list({"network", "inspect", name});
  return found.empty() ? nlohmann::json() : found[0];
}

std::string labelOf(const nlohmann::json& thing, const char* label) {
  auto labels = thing.find("labels");
  return labels == thing.end() || !labels->is_object() ? "" : labels->value(label, "");
}

std::string subnetOf(const nlohmann::json& network, const std::string& name) {
  for (const nlohmann::json& subnet : network.value("subnets", nlohmann::json::array())) {
    std::string text = subnet.value("subnet", "");
    if (text.find(':') == std::string::npos && !text.empty()) return text;
  }
  throw ProvisionError("the network " + name + " of podman has no IPv4 subnet");
}

// Returns the addresses of containers on the network that run, and the gateway's.
std::vector<std::string> takenAddresses(const nlohmann::json& network, const std::string& name,
                                        const Podman& podman) {
  std::vector<std::string> taken;
  for (const nlohmann::json& subnet : network.value("subnets", nlohmann::json::array())) {
    taken.push_back(subnet.value("gateway", ""));
  }
  std::vector<std::string> inspect = {"inspect", "--type", "container"};
  for (const nlohmann::json& container :
       podman.list({"ps", "--all", "--filter", "network=" + name, "--format", "json"})) {
    inspect.push_back(container.value("Id", ""));
  }
  if (inspect.size() == 3) return taken;
  for (const nlohmann::json& container : podman.list(inspect)) {
    nlohmann::json own =
        container.value("/NetworkSettings/Networks"_json_pointer, nlohmann::json::object());
    if (own.contains(name)) taken.push_back(own[name].value("IPAddress", ""));
  }
  return taken;
}

}  // namespace

void examineNetwork(const std::string& name, const Podman& podman, Examination& report) {
  if (name.empty()) return;
  nlohmann::json network = inspectNetwork(name, podman);
  if (network.is_null()) return;
  std::string driver = network.value("driver", "");
  std::string maker = labelOf(network, kClusterLabel);
  if (driver != "bridge") {
    report.missing.push_back("a network with the driver \"bridge\": that of " + name + " is \"" +
                             driver + "\", over which this machine does not reach its containers");
  } else if (!maker.empty()) {
    report.missing.push_back("a network of its own: " + name + " was made for the cluster \"" +
                             maker +
                             "\" and goes with it; \"podman network create\" makes one that stays");
  } else if (!network.value("dns_enabled", false)) {
    report.degraded.push_back("names of nodes are in their /etc/hosts alone: the network " + name +
                              " has no DNS");
  }
}

std::vector<std::string> chooseAddresses(const std::string& subnet,
                                         const std::vector<std::string>& taken, size_t count) {
  size_t slash = subnet.find('/');
  std::string why;
  auto base = support::Endpoint::fromText("tcp:" + subnet.substr(0, slash) + ":1", &why);
  uint32_t bits = 0;
  if (slash != std::string::npos) {
    std::from_chars(subnet.data() + slash + 1, subnet.data() + subnet.size(), bits);
  }
  if (bits < 8 || bits > 30 || !base || base->address.ss_family != AF_INET) {
    throw ProvisionError("the subnet \"" + subnet + "\" of podman is not one of IPv4");
  }
  uint32_t size = uint32_t(1) << (32 - bits);
  uint32_t first =
      ntohl(reinterpret_cast<const sockaddr_in*>(base->socketAddress())->sin_addr.s_addr);
  std::vector<std::string> chosen;
  for (uint32_t i = std::min(kFirstAddress, size / 4); i + 1 < size && chosen.size() < count; ++i) {
    in_addr address{htonl(first + i)};
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address, text, sizeof text);
    if (std::find(taken.begin(), taken.end(), text) == taken.end()) chosen.push_back(text);
  }
  if (chosen.size() == count) return chosen;
  throw ProvisionError("the subnet " + subnet + " of podman has " + std::to_string(chosen.size()) +
                       " free addresses for " + std::to_string(count) + " nodes");
}

PodmanNetwork prepareNetwork(const std::string& name, const ClusterMark& mark, size_t nodes,
                             const Podman& podman) {
  PodmanNetwork prepared{.name = name.empty() ? networkName(mark.cluster) : name, .addresses = {}};
  nlohmann::json network = inspectNetwork(prepared.name, podman);
  if (!network.is_null() && name.empty()) {
    throw ProvisionError("podman has a network " + prepared.name +
                         " already that is not this cluster's; take another name for the cluster, "
                         "or see \"podman network inspect " +
                         prepared.name + "\"");
  }
  if (network.is_null()) {
    std::vector<std::string> create = {"network", "create"};
    for (std::string& option : labelOptions(mark)) create.push_back(std::move(option));
    create.push_back(prepared.name);
    podman.run(create);
    network = inspectNetwork(prepared.name, podman);
  }
  prepared.addresses = chooseAddresses(subnetOf(network, prepared.name),
                                       takenAddresses(network, prepared.name, podman), nodes);
  return prepared;
}

}  // namespace harness
