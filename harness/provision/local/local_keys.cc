#include "harness/provision/local/local_keys.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "harness/provision/agent_files.h"
#include "harness/provision/boot_commands.h"
#include "harness/provision/local/hub/spec.h"
#include "harness/provision/local/hub/state.h"
#include "harness/provision/local/local_plan.h"

namespace harness {
namespace {

// In the order of Init.
const std::vector<std::string> kInits = {"minimal", "systemd", "sysvinit"};
const std::vector<std::string> kControls = {"unix", "tcp"};

// The others that local nodes give up act on the clock, the modules and the ports of the machine,
// which it does not share with tests.
const std::vector<std::string> kCapabilities = {"mknod"};

// The longest host name, and the longest path of a unix socket.
constexpr size_t kNodeNameMax = 63;
constexpr size_t kSocketPathMax = 107;

void checkControl(const Setting& control) {
  control.word(kControls);
}

void checkInit(const Setting& init) {
  init.word(kInits);
}

void checkCapabilities(const Setting& capabilities) {
  for (const Setting& capability : capabilities.items()) capability.word(kCapabilities);
}

void checkAddresses(const Setting& addresses) {
  for (const Setting& address : addresses.items()) {
    if (support::isNumericHost(address.text())) continue;
    address.fail("addresses: \"" + address.text() + "\" is not an IPv4 or IPv6 address");
  }
}

std::vector<Setting> spreadAddresses(const Setting& addresses, const std::string& set,
                                     size_t count) {
  if (count == 1) return {addresses};
  addresses.fail("addresses belong to one node, and \"" + set + "\" is " + std::to_string(count));
}

// Chooses 10.77.A.B and fd77::A:B for node `index`, with B from 11 to 210, so that the low numbers
// stay free.
std::vector<std::string> chosenAddresses(size_t index) {
  std::string third = std::to_string(index / 200);
  std::string fourth = std::to_string(11 + index % 200);
  std::vector<std::string> addresses = {"10.77." + third + "." + fourth};
  if (machineHasIpv6()) addresses.push_back("fd77::" + (index < 200 ? "" : third + ":") + fourth);
  return addresses;
}

bool isOnSharedNetwork(const std::string& address) {
  std::array<unsigned char, 16> bytes;
  if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
    return bytes[0] == 10 && bytes[1] == 77;
  }
  return ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1 && bytes[0] == 0xfd &&
         bytes[1] == 0x77 &&
         std::all_of(bytes.begin() + 2, bytes.begin() + 8,
                     [](unsigned char byte) { return byte == 0; });
}

// Returns the addresses that the file wants for one node.
std::vector<std::string> wantedAddresses(const NodePlan& node) {
  auto setting = node.settings.find("addresses");
  if (setting == node.settings.end()) return {};
  for (const Setting& address : setting->second.items()) {
    std::string what = "addresses: \"" + address.text() + "\" of node " + node.name;
    if (!isOnSharedNetwork(address.text())) {
      address.fail(what + " is not on the local network: 10.77.0.0/16 or fd77::/64");
    }
    if (address.text() == "10.77.0.1" || address.text() == "fd77::1") {
      address.fail(what + " is that of the network's hub");
    }
  }
  return setting->second.texts();
}

void checkName(const ClusterPlan& plan, const NodePlan& node) {
  if (!isPlainName(node.name, kNodeNameMax) || node.name.find('_') != std::string::npos) {
    node.set.fail("node name \"" + node.name +
                  "\" is not a host name: letters, digits, '-' and '.'");
  }
  if (agentSocketOf(plan.name, node.name).size() > kSocketPathMax) {
    node.set.fail("node " + node.name + ": its name and that of cluster \"" + plan.name +
                  "\" are too long together");
  }
}

// Returns the place of the complaint about an address that two nodes have.
const Setting& placeOfAddresses(const NodePlan& node) {
  auto setting = node.settings.find("addresses");
  return setting == node.settings.end() ? node.set : setting->second;
}

void checkPlan(const ClusterPlan& plan) {
  readLocalSettings(plan);
}

}  // namespace

KindKeys localKeys() {
  return {.name = "local",
          .clusterKeys = {{.name = "control", .check = checkControl},
                          {.name = kBootKey, .check = checkBootSets}},
          .nodeKeys = {{.name = "init", .check = checkInit},
                       {.name = kBootKey, .check = checkBoot},
                       {.name = "capabilities", .check = checkCapabilities},
                       {.name = "addresses", .check = checkAddresses, .spread = spreadAddresses}},
          .check = checkPlan};
}

const std::string& wordFor(Init init) {
  return kInits.at(static_cast<size_t>(init));
}

LocalSettings readLocalSettings(const ClusterPlan& plan) {
  if (!isPlainClusterName(plan.name)) {
    throw ClusterFileError(
        "cluster name \"" + plan.name +
        "\": wanted at most 32 letters, digits, '-', '_' and '.', the first a letter or digit");
  }
  if (plan.nodes.empty()) throw ClusterFileError("cluster \"" + plan.name + "\" has no nodes");
  LocalSettings settings;
  auto control = plan.settings.find("control");
  if (control != plan.settings.end()) {
    settings.control = control->second.word(kControls) == 0 ? Control::kUnix : Control::kTcp;
  }
  std::vector<std::vector<std::string>> boot = bootCommands(plan);
  std::set<std::string> taken;
  for (const NodePlan& node : plan.nodes) {
    checkName(plan, node);
    LocalNodeSettings own;
    auto init = node.settings.find("init");
    if (init != node.settings.end()) {
      own.init = static_cast<Init>(init->second.word(kInits));
    }
    own.boot = boot[settings.nodes.size()];
    auto capabilities = node.settings.find("capabilities");
    if (capabilities != node.settings.end()) own.capabilities = capabilities->second.texts();
    own.addresses = wantedAddresses(node);
    if (own.addresses.empty()) own.addresses = chosenAddresses(settings.nodes.size());
    for (const std::string& address : own.addresses) {
      if (taken.insert(address).second) continue;
      placeOfAddresses(node).fail("node " + node.name + ": address \"" + address +
                                  "\" is also another node's");
    }
    settings.nodes.push_back(std::move(own));
  }
  return settings;
}

}  // namespace harness
