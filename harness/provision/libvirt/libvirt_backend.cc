#include "harness/provision/libvirt/libvirt_backend.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "harness/os/files.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/libvirt/libvirt_maker.h"
#include "harness/provision/libvirt/node_root.h"
#include "harness/provision/programs.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;

constexpr char kMachineUri[] = "lxc:///system";

constexpr std::chrono::seconds kEndTime{20};

// Returns what belongs to a cluster: a mark without owner is a question about any.
bool isOf(const LibvirtThing& thing, const KnownCluster& cluster) {
  std::optional<LibvirtMark> mark = markIn(thing.xml);
  return mark && mark->cluster == cluster.plan.name && mark->directory == cluster.directory;
}

size_t indexOf(const KnownCluster& cluster, const std::string& node) {
  for (size_t i = 0; i < cluster.plan.nodes.size(); ++i) {
    if (cluster.plan.nodes[i].name == node) return i;
  }
  throw ProvisionError("there is no such node", node);
}

std::string mebibytes(uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

void examineRoot(const LibvirtNodeSettings& node, Examination& report) {
  auto add = [&](const std::string& text) {
    if (std::find(report.missing.begin(), report.missing.end(), text) == report.missing.end()) {
      report.missing.push_back(text);
    }
  };
  struct stat status {};
  if (::stat(node.rootfs.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    add("the directory " + node.rootfs + ", which is a rootfs");
    return;
  }
  if (node.init == DomainInit::kMinimal) return;
  for (const char* program :
       {"/lib/systemd/systemd", "/bin/sh", "/usr/bin/unshare", "/usr/bin/mount"}) {
    std::string path = (node.rootfs == "/" ? "" : node.rootfs) + program;
    if (::access(path.c_str(), X_OK) == 0) continue;
    add(path + ", for nodes with \"init: systemd\": install systemd and util-linux there");
  }
}

void examineMemory(const LibvirtSettings& settings, const LibvirtConnection& libvirt,
                   Examination& report) {
  uint64_t wanted = 0;
  for (const LibvirtNodeSettings& node : settings.nodes) wanted += node.memoryBytes;
  uint64_t available = libvirt.freeMemory();
  if (wanted <= available) return;
  report.missing.push_back("memory: the nodes may use " + mebibytes(wanted) +
                           " together, and the machine has " + mebibytes(available) +
                           " available; give less by \"memory\" in the cluster file");
}

}  // namespace

LibvirtConnection& LibvirtBackend::connect(const std::string& uri) {
  std::unique_ptr<LibvirtConnection>& connection = connections_[uri];
  if (connection == nullptr || !connection->isAlive()) {
    connection = std::make_unique<LibvirtConnection>(uri);
  }
  return *connection;
}

LibvirtConnection& LibvirtBackend::connect(const KnownCluster& cluster) {
  return connect(readLibvirtSettings(cluster.plan).uri);
}

KindKeys LibvirtBackend::keys() const {
  return libvirtKeys();
}

Examination LibvirtBackend::examine(const ClusterPlan& plan) {
  LibvirtSettings settings = readLibvirtSettings(plan);
  Examination report;
  if (::geteuid() != 0) {
    report.missing.push_back("root: this is user " + std::to_string(::geteuid()) +
                             ", who can mount no root file systems; run it as root or by sudo");
  }
  for (const LibvirtNodeSettings& node : settings.nodes) examineRoot(node, report);
  if (findProgram("nodeagent").empty()) {
    report.missing.push_back(
        "the program nodeagent in $MUSTER_BIN_DIR, beside this program, or in PATH");
  }
  try {
    examineMemory(settings, connect(settings.uri), report);
  } catch (const ProvisionError& error) {
    report.missing.push_back("a daemon of libvirt that works: " + error.detail());
  }
  return report;
}

std::map<std::string, MadeNode> LibvirtBackend::up(const UpRequest& request, UpReport& report) {
  KnownCluster cluster{.plan = request.plan,
                       .tenure = request.tenure,
                       .directory = request.directory,
                       .kept = nullptr};
  LibvirtMaker maker(connect(cluster), request, report);
  // What is there of this cluster was left by a killed process.
  down(cluster);
  maker.claimNames();
  if (request.tenure == Tenure::kOwned) owned_.insert(request.directory);
  try {
    return maker.make();
  } catch (...) {
    down(cluster);
    throw;
  }
}

DomainPower LibvirtBackend::powerOf(LibvirtConnection& libvirt, const KnownCluster& cluster,
                                    const std::string& node) {
  indexOf(cluster, node);
  std::string name = domainName(cluster.plan.name, node);
  for (const LibvirtThing& domain : libvirt.domains()) {
    if (domain.name == name && isOf(domain, cluster)) return libvirt.power(name);
  }
  return DomainPower::kGone;
}

std::map<std::string, Power> LibvirtBackend::state(const KnownCluster& cluster) {
  LibvirtConnection& libvirt = connect(cluster);
  std::map<std::string, Power> power;
  for (const NodePlan& node : cluster.plan.nodes) power[node.name] = Power::kOff;
  bool isThere = false;
  for (const LibvirtThing& network : libvirt.networks()) isThere |= isOf(network, cluster);
  for (const LibvirtThing& domain : libvirt.domains()) {
    if (!isOf(domain, cluster)) continue;
    isThere = true;
    DomainPower found = libvirt.power(domain.name);
    if (found == DomainPower::kGone) continue;
    power[markIn(domain.xml)->node] = found == DomainPower::kPaused ? Power::kFrozen : Power::kOn;
  }
  if (isThere) return power;
  throw ProvisionError(Kind::kNoSuchCluster,
                       "libvirt has neither a domain nor the network of cluster \"" +
                           cluster.plan.name + "\" any more");
}

void LibvirtBackend::down(const KnownCluster& cluster) {
  LibvirtConnection& libvirt = connect(cluster);
  for (const LibvirtThing& domain : libvirt.domains()) {
    if (isOf(domain, cluster)) libvirt.destroyDomain(domain.name);
  }
  for (const LibvirtThing& network : libvirt.networks()) {
    if (isOf(network, cluster)) libvirt.destroyNetwork(network.name);
  }
  std::string nodes = nodeDirectory(cluster.directory, "");
  for (const std::string& node : namesIn(nodes)) {
    removeRoot(nodes + node);
    removeGroups(domainName(cluster.plan.name, node));
  }
  removeTree(cluster.directory + "/nodes");
  owned_.erase(cluster.directory);
}

std::vector<std::string> LibvirtBackend::list(const std::string& owner) {
  std::set<std::string> clusters;
  try {
    LibvirtConnection& libvirt = connect(kMachineUri);
    std::vector<LibvirtThing> things = libvirt.domains();
    for (LibvirtThing& network : libvirt.networks()) things.push_back(std::move(network));
    for (const LibvirtThing& thing : things) {
      std::optional<LibvirtMark> mark = markIn(thing.xml);
      if (mark && mark->owner == owner) clusters.insert(mark->cluster);
    }
  } catch (const ProvisionError& error) {
    // Without a daemon there are no domains.
    if (error.kind() == Kind::kFailed) throw;
  }
  return {clusters.begin(), clusters.end()};
}

void LibvirtBackend::freeze(const KnownCluster& cluster, const std::string& node) {
  LibvirtConnection& libvirt = connect(cluster);
  DomainPower power = powerOf(libvirt, cluster, node);
  if (power == DomainPower::kGone) throw ProvisionError("freeze: the node is off", node);
  if (power == DomainPower::kRunning) libvirt.suspend(domainName(cluster.plan.name, node), node);
}

void LibvirtBackend::thaw(const KnownCluster& cluster, const std::string& node) {
  LibvirtConnection& libvirt = connect(cluster);
  if (powerOf(libvirt, cluster, node) != DomainPower::kPaused) return;
  libvirt.resume(domainName(cluster.plan.name, node), node);
}

void LibvirtBackend::powerOff(const KnownCluster& cluster, const std::string& node) {
  LibvirtConnection& libvirt = connect(cluster);
  if (powerOf(libvirt, cluster, node) == DomainPower::kGone) return;
  libvirt.destroyDomain(domainName(cluster.plan.name, node));
  bool isOff = waitUntil(after(kEndTime),
                         [&] { return powerOf(libvirt, cluster, node) == DomainPower::kGone; });
  if (!isOff) throw ProvisionError("power off: its domain still runs", node);
}

PowerBefore LibvirtBackend::powerOn(const KnownCluster& cluster, const std::string& node) {
  LibvirtConnection& libvirt = connect(cluster);
  if (powerOf(libvirt, cluster, node) != DomainPower::kGone) return PowerBefore::kOn;
  LibvirtNodeSettings settings = readLibvirtSettings(cluster.plan).nodes[indexOf(cluster, node)];
  // A cluster that another process owns ends with that one, and not with this.
  DomainTenure tenure =
      owned_.contains(cluster.directory) ? DomainTenure::kConnection : DomainTenure::kStanding;
  removeGroups(domainName(cluster.plan.name, node));
  startDomain(libvirt, cluster.directory, node, settings, tenure);
  if (settings.boot.empty()) return PowerBefore::kOff;
  try {
    awaitBoot({{node, nodeDirectory(cluster.directory, node)}}, [&] {
      if (powerOf(libvirt, cluster, node) != DomainPower::kGone) return;
      throw ProvisionError("its domain has ended by itself", node);
    });
  } catch (...) {
    powerOff(cluster, node);
    throw;
  }
  return PowerBefore::kOff;
}

}  // namespace harness
