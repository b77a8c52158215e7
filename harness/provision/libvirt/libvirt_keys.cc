#include "harness/provision/libvirt/libvirt_keys.h"

#include <charconv>
#include <optional>

#include "harness/provision/boot_commands.h"
#include "harness/provision/libvirt/machine_networks.h"
#include "schema/support/base/size.h"

namespace harness {
namespace {

const std::vector<std::string> kInits = {"minimal", "systemd"};

constexpr char kDefaultUri[] = "lxc:///system";

// With less, a node could not run the agent and a command.
constexpr uint64_t kMemoryLeast = 32 << 20;

constexpr size_t kNodeNameMax = 63;

void checkUri(const Setting& uri) {
  const std::string& text = uri.text();
  if (text == kDefaultUri || text == "lxc+unix:///system") return;
  if (text.starts_with("lxc+")) {
    uri.fail("uri: \"" + text +
             "\" is on another machine; the root file systems of containers are made on this one: "
             "take lxc:///system, and run muster there");
  }
  uri.fail("uri: \"" + text + "\" is not possible; wanted: lxc:///system");
}

void checkSubnet(const Setting& subnet) {
  const std::string& text = subnet.text();
  bool isNetwork = text.ends_with(".0/24") && ipv4In(text.substr(0, text.size() - 3));
  if (isNetwork) return;
  subnet.fail("subnet: \"" + text +
              "\" is not a network of 256 IPv4 addresses, such as 10.78.5.0/24");
}

void checkRootfs(const Setting& rootfs) {
  if (rootfs.text().starts_with("/")) return;
  rootfs.fail("rootfs: \"" + rootfs.text() + "\" is not an absolute path of this machine");
}

void checkInit(const Setting& init) {
  init.word(kInits);
}

void checkMemory(const Setting& memory) {
  std::optional<uint64_t> bytes = support::sizeFromText(memory.text());
  if (!bytes) memory.fail("memory: \"" + memory.text() + "\" is not a size, such as 512MiB");
  if (*bytes < kMemoryLeast) {
    memory.fail("memory: " + memory.text() + " is too little for a node; wanted: at least 32MiB");
  }
}

std::optional<double> processorsIn(const std::string& text) {
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  bool isNumber = error == std::errc() && end == text.data() + text.size();
  if (!isNumber || !(number >= 0.1 && number <= 1024)) return std::nullopt;
  return number;
}

void checkCpus(const Setting& cpus) {
  if (processorsIn(cpus.text())) return;
  cpus.fail("cpus: \"" + cpus.text() + "\" is not a number of processors from 0.1 to 1024");
}

// Returns a setting of the node, or else of the file. Null: neither has it.
const Setting* settingOf(const ClusterPlan& plan, const NodePlan& node, const std::string& key) {
  auto own = node.settings.find(key);
  if (own != node.settings.end()) return &own->second;
  auto common = plan.settings.find(key);
  return common == plan.settings.end() ? nullptr : &common->second;
}

LibvirtNodeSettings readNode(const ClusterPlan& plan, const NodePlan& node) {
  LibvirtNodeSettings own;
  auto find = [&](const char* key) { return settingOf(plan, node, key); };
  if (const Setting* rootfs = find("rootfs")) own.rootfs = rootfs->text();
  if (const Setting* init = find("init")) {
    own.init = init->word(kInits) == 0 ? DomainInit::kMinimal : DomainInit::kSystemd;
  }
  if (const Setting* memory = find("memory")) {
    own.memoryBytes = support::sizeFromText(memory->text()).value_or(own.memoryBytes);
  }
  if (const Setting* cpus = find("cpus")) own.cpus = processorsIn(cpus->text()).value_or(0);
  return own;
}

void checkName(const NodePlan& node) {
  if (node.name.size() <= kNodeNameMax && node.name.find('_') == std::string::npos) return;
  node.set.fail("node name \"" + node.name +
                "\" is not a host name: at most 63 letters, digits, '-' and '.'");
}

void checkPlan(const ClusterPlan& plan) {
  readLibvirtSettings(plan);
}

}  // namespace

KindKeys libvirtKeys() {
  std::vector<Key> both = {{.name = "rootfs", .check = checkRootfs},
                           {.name = "init", .check = checkInit},
                           {.name = "memory", .check = checkMemory},
                           {.name = "cpus", .check = checkCpus}};
  std::vector<Key> ofFile = both;
  ofFile.push_back({.name = "uri", .check = checkUri});
  ofFile.push_back({.name = "subnet", .check = checkSubnet});
  ofFile.push_back({.name = kBootKey, .check = checkBootSets});
  std::vector<Key> ofNode = both;
  ofNode.push_back({.name = kBootKey, .check = checkBoot});
  return {.name = "libvirt",
          .clusterKeys = std::move(ofFile),
          .nodeKeys = std::move(ofNode),
          .check = checkPlan};
}

LibvirtSettings readLibvirtSettings(const ClusterPlan& plan) {
  if (plan.nodes.empty()) throw ClusterFileError("cluster \"" + plan.name + "\" has no nodes");
  LibvirtSettings settings;
  auto uri = plan.settings.find("uri");
  settings.uri = uri == plan.settings.end() ? kDefaultUri : uri->second.text();
  auto subnet = plan.settings.find("subnet");
  if (subnet != plan.settings.end()) {
    const std::string& text = subnet->second.text();
    settings.subnet = text.substr(0, text.rfind('.'));
  }
  if (plan.nodes.size() > kDomainsMax) {
    plan.nodes[kDomainsMax].set.fail("node " + plan.nodes[kDomainsMax].name +
                                     ": a cluster of this kind has at most " +
                                     std::to_string(kDomainsMax) + " nodes");
  }
  std::vector<std::vector<std::string>> boot = bootCommands(plan);
  for (const NodePlan& node : plan.nodes) {
    checkName(node);
    LibvirtNodeSettings own = readNode(plan, node);
    own.boot = boot[settings.nodes.size()];
    settings.nodes.push_back(std::move(own));
  }
  return settings;
}

std::string domainAddress(const std::string& subnet, size_t index) {
  return subnet + "." + std::to_string(11 + index);
}

}  // namespace harness
