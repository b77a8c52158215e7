#include "harness/provision/podman/podman_keys.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "harness/provision/boot_commands.h"
#include "schema/support/base/size.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

const std::vector<std::string> kInits = {"minimal", "systemd"};
const std::vector<std::string> kPulls = {"never", "missing"};

// The kernel's, but for those that each node has anyway, and those that act on the clock, the
// modules and the ports of the machine.
const std::vector<std::string> kCapabilities = {"audit_control",
                                                "audit_read",
                                                "audit_write",
                                                "block_suspend",
                                                "bpf",
                                                "checkpoint_restore",
                                                "dac_read_search",
                                                "ipc_lock",
                                                "ipc_owner",
                                                "lease",
                                                "linux_immutable",
                                                "mac_admin",
                                                "mac_override",
                                                "mknod",
                                                "net_broadcast",
                                                "perfmon",
                                                "sys_admin",
                                                "sys_nice",
                                                "sys_pacct",
                                                "sys_resource",
                                                "sys_tty_config",
                                                "syslog",
                                                "wake_alarm"};

// The places of the node that are Muster's.
const std::vector<std::string> kOwnPlaces = {"/", "/etc/nodeagent", "/usr/bin/nodeagent",
                                             "/etc/hosts", "/etc/machine-id"};

// A node with fewer could not run the agent and a command.
constexpr uint64_t kPidsLeast = 64;
constexpr uint64_t kMemoryLeast = 32 << 20;

bool hasOnly(const std::string& text, const std::string& others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char each) {
    return support::isDigit(each) || (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
           others.find(each) != std::string::npos;
  });
}

std::optional<uint64_t> wholeNumber(const std::string& text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void checkImage(const Setting& image) {
  const std::string& text = image.text();
  if (hasOnly(text, "/:._-@") && text[0] != '-') return;
  image.fail("image: \"" + support::printable(text) +
             "\" is not the name of an image, such as docker.io/library/debian:12");
}

void checkRootfs(const Setting& rootfs) {
  const std::string& text = rootfs.text();
  bool isPlain = text.find_first_of(":,\n") == std::string::npos;
  if (text.starts_with("/") && isPlain) return;
  rootfs.fail("rootfs: \"" + support::printable(text) +
              "\" is not the absolute path of a directory, without ':' and ','");
}

void checkPull(const Setting& pull) {
  pull.word(kPulls);
}

void checkNetwork(const Setting& network) {
  const std::string& text = network.text();
  bool isMode = text == "host" || text == "none" || text == "slirp4netns" || text == "private" ||
                text == "bridge";
  if (hasOnly(text, "_.-") && text[0] != '-' && text[0] != '.' && !isMode) return;
  network.fail("network: \"" + support::printable(text) +
               "\" is not the name of a network of podman: letters, digits, '_', '.' and '-', and "
               "none of podman's words for no network of its own, such as host");
}

void checkInit(const Setting& init) {
  init.word(kInits);
}

void checkMemory(const Setting& memory) {
  std::optional<uint64_t> bytes = support::sizeFromText(memory.text());
  if (!bytes) memory.fail("memory: \"" + memory.text() + "\" is not a size, such as 512MiB");
  if (*bytes < kMemoryLeast) memory.fail("memory: \"" + memory.text() + "\" is less than 32MiB");
}

void checkCpus(const Setting& cpus) {
  const std::string& text = cpus.text();
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  bool isNumber = error == std::errc() && end == text.data() + text.size();
  if (isNumber && number >= 0.01 && number <= 100000) return;
  cpus.fail("cpus: \"" + text + "\" is not a number of processors, such as 2 or 0.5");
}

void checkPids(const Setting& pids) {
  std::optional<uint64_t> number = wholeNumber(pids.text());
  if (number && *number >= kPidsLeast && *number <= 4194304) return;
  pids.fail("pids: \"" + pids.text() + "\" is not a number of processes from " +
            std::to_string(kPidsLeast) + " to 4194304");
}

void checkVolume(const Setting& volume) {
  const std::string& text = volume.text();
  size_t first = text.find(':');
  size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  std::string source = text.substr(0, first);
  std::string target = first == std::string::npos ? "" : text.substr(first + 1, second - first - 1);
  bool isSource = source.starts_with("/") || hasOnly(source, "_.-");
  if (!isSource || !target.starts_with("/")) {
    volume.fail("volumes: \"" + text +
                "\" is not SOURCE:TARGET or SOURCE:TARGET:OPTIONS, such as /srv/data:/data:ro, "
                "with a path or the name of a volume, and a path of the node");
  }
  if (std::find(kOwnPlaces.begin(), kOwnPlaces.end(), target) != kOwnPlaces.end()) {
    volume.fail("volumes: " + target + " of a node is Muster's own");
  }
}

void checkVolumes(const Setting& volumes) {
  for (const Setting& volume : volumes.items()) checkVolume(volume);
}

bool isPort(const std::string& text) {
  std::optional<uint64_t> number = wholeNumber(text);
  return number && *number >= 1 && *number <= 65535;
}

// Checks "80", "8080:80" and "127.0.0.1:8080:80", each also with "/tcp" or "/udp" behind it.
void checkPort(const Setting& port) {
  std::string text = port.text();
  for (const char* protocol : {"/tcp", "/udp"}) {
    if (text.ends_with(protocol)) text.resize(text.size() - 4);
  }
  size_t last = text.rfind(':');
  bool isRight = isPort(last == std::string::npos ? text : text.substr(last + 1));
  if (last != std::string::npos) {
    std::string rest = text.substr(0, last);
    size_t colon = rest.find(':');
    bool isOneAddress = colon != std::string::npos && hasOnly(rest.substr(0, colon), ".");
    isRight =
        isRight && (colon == std::string::npos ? isPort(rest)
                                               : isOneAddress && isPort(rest.substr(colon + 1)));
  }
  if (isRight) return;
  port.fail("ports: \"" + port.text() +
            "\" is not PORT, HOST_PORT:PORT or ADDRESS:HOST_PORT:PORT, such as 8080:80, or "
            "8080:80/udp");
}

void checkPorts(const Setting& ports) {
  for (const Setting& port : ports.items()) checkPort(port);
}

std::vector<Setting> spreadPorts(const Setting& ports, const std::string& set, size_t count) {
  for (const Setting& port : ports.items()) {
    if (count == 1 || port.text().find(':') == std::string::npos) continue;
    port.fail("ports: the port \"" + port.text() +
              "\" of this machine belongs to one node, and \"" + set + "\" is " +
              std::to_string(count) + "; a port of the node alone gets a free one");
  }
  return std::vector<Setting>(count, ports);
}

void checkCapabilities(const Setting& capabilities) {
  for (const Setting& capability : capabilities.items()) capability.word(kCapabilities);
}

void checkEnvironment(const Setting& environment) {
  for (size_t i = 0; i < environment.keys().size(); ++i) {
    const Setting& name = environment.keys()[i];
    if (!hasOnly(name.text(), "_") || support::isDigit(name.text()[0])) {
      name.fail("environment: \"" + support::printable(name.text()) +
                "\" is not the name of a variable: letters, digits and '_'");
    }
    environment.values()[i].text();
    environment.values()[i].expectUtf8();
  }
}

// Returns a setting of the node, or else of the file. Null: neither has it.
const Setting* settingOf(const ClusterPlan& plan, const NodePlan& node, const std::string& key) {
  auto own = node.settings.find(key);
  if (own != node.settings.end()) return &own->second;
  auto common = plan.settings.find(key);
  return common == plan.settings.end() ? nullptr : &common->second;
}

void readRoot(const ClusterPlan& plan, const NodePlan& node, PodmanNodeSettings& own) {
  bool hasOwnImage = node.settings.contains("image");
  bool hasOwnRootfs = node.settings.contains("rootfs");
  const Setting* image = hasOwnRootfs ? nullptr : settingOf(plan, node, "image");
  const Setting* rootfs = hasOwnImage ? nullptr : settingOf(plan, node, "rootfs");
  if (hasOwnImage && hasOwnRootfs) {
    node.settings.at("rootfs").fail("node " + node.name +
                                    ": it has an image and a rootfs, of which one is possible");
  }
  if (image != nullptr && rootfs != nullptr) {
    rootfs->fail("the file has an image and a rootfs, of which one is possible");
  }
  if (image == nullptr && rootfs == nullptr) {
    node.set.fail("node " + node.name +
                  ": it needs an image, such as \"image: docker.io/library/debian:12\", or a "
                  "rootfs, such as \"rootfs: /\"");
  }
  if (image != nullptr) own.image = image->text();
  if (rootfs != nullptr) own.rootfs = rootfs->text();
}

PodmanNodeSettings readNode(const ClusterPlan& plan, const NodePlan& node) {
  PodmanNodeSettings own;
  readRoot(plan, node, own);
  auto find = [&](const char* key) { return settingOf(plan, node, key); };
  if (const Setting* init = find("init")) {
    own.init = init->word(kInits) == 0 ? ContainerInit::kMinimal : ContainerInit::kSystemd;
  }
  if (const Setting* memory = find("memory")) {
    own.memoryBytes = support::sizeFromText(memory->text()).value_or(0);
  }
  if (const Setting* pids = find("pids")) own.pids = wholeNumber(pids->text()).value_or(0);
  if (const Setting* cpus = find("cpus")) own.cpus = cpus->text();
  if (const Setting* volumes = find("volumes")) own.volumes = volumes->texts();
  if (const Setting* ports = find("ports")) own.ports = ports->texts();
  if (const Setting* capabilities = find("capabilities")) own.capabilities = capabilities->texts();
  if (const Setting* environment = find("environment")) {
    for (size_t i = 0; i < environment->keys().size(); ++i) {
      own.environment[environment->keys()[i].text()] = environment->values()[i].text();
    }
  }
  return own;
}

// Fails for a port of this machine that two nodes want.
void checkHostPorts(const ClusterPlan& plan) {
  std::set<std::string> taken;
  for (const NodePlan& node : plan.nodes) {
    auto ports = node.settings.find("ports");
    if (ports == node.settings.end()) continue;
    for (const Setting& port : ports->second.items()) {
      size_t last = port.text().rfind(':');
      if (last == std::string::npos) continue;
      bool isUdp = port.text().ends_with("/udp");
      if (taken.insert(port.text().substr(0, last) + (isUdp ? "/udp" : "")).second) continue;
      port.fail("ports: node " + node.name + ": the port of \"" + port.text() +
                "\" of this machine is also another node's");
    }
  }
}

void checkPlan(const ClusterPlan& plan) {
  readPodmanSettings(plan);
}

}  // namespace

KindKeys podmanKeys() {
  std::vector<Key> both = {{.name = "image", .check = checkImage},
                           {.name = "rootfs", .check = checkRootfs},
                           {.name = "init", .check = checkInit},
                           {.name = "memory", .check = checkMemory},
                           {.name = "cpus", .check = checkCpus},
                           {.name = "pids", .check = checkPids},
                           {.name = "volumes", .check = checkVolumes},
                           {.name = "capabilities", .check = checkCapabilities},
                           {.name = "environment", .check = checkEnvironment}};
  std::vector<Key> ofFile = both;
  ofFile.push_back({.name = "pull", .check = checkPull});
  ofFile.push_back({.name = "network", .check = checkNetwork});
  ofFile.push_back({.name = kBootKey, .check = checkBootSets});
  std::vector<Key> ofNode = both;
  ofNode.push_back({.name = "ports", .check = checkPorts, .spread = spreadPorts});
  ofNode.push_back({.name = kBootKey, .check = checkBoot});
  return {.name = "podman",
          .clusterKeys = std::move(ofFile),
          .nodeKeys = std::move(ofNode),
          .check = checkPlan};
}

PodmanSettings readPodmanSettings(const ClusterPlan& plan) {
  if (plan.nodes.empty()) throw ClusterFileError("cluster \"" + plan.name + "\" has no nodes");
  PodmanSettings settings;
  auto network = plan.settings.find("network");
  if (network != plan.settings.end()) settings.network = network->second.text();
  auto pull = plan.settings.find("pull");
  bool isPulled = pull != plan.settings.end() && pull->second.word(kPulls) == 1;
  settings.pull = isPulled ? Pull::kMissing : Pull::kNever;
  std::vector<std::vector<std::string>> boot = bootCommands(plan);
  for (const NodePlan& node : plan.nodes) {
    if (node.name.find('_') != std::string::npos) {
      node.set.fail("node name \"" + node.name +
                    "\" is not a host name: letters, digits, '-' and '.'");
    }
    PodmanNodeSettings own = readNode(plan, node);
    own.boot = boot[settings.nodes.size()];
    settings.nodes.push_back(std::move(own));
  }
  checkHostPorts(plan);
  return settings;
}

}  // namespace harness
