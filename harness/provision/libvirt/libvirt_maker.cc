#include "harness/provision/libvirt/libvirt_maker.h"

#include <set>

#include "harness/os/files.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/libvirt/machine_networks.h"
#include "harness/provision/libvirt/node_root.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;

// Muster gives an order to a node a minute.
constexpr std::chrono::seconds kBootTime{50};
constexpr size_t kEvidenceBytesMax = 500;

// The networks out of which a free one is taken: 10.78.0.0/24 to 10.78.255.0/24.
constexpr char kSubnetPrefix[] = "10.78.";
constexpr int kSubnets = 256;

constexpr char kDescription[] = "/domain.xml";

DomainTenure tenureFor(Tenure tenure) {
  return tenure == Tenure::kOwned ? DomainTenure::kConnection : DomainTenure::kStanding;
}

// A number that differs from cluster to cluster, so that two that are made at once seldom want the
// same network.
int firstSubnet(const std::string& cluster) {
  unsigned sum = 0;
  for (unsigned char each : cluster) sum = sum * 31 + each;
  return static_cast<int>(sum % kSubnets);
}

}  // namespace

LibvirtMaker::LibvirtMaker(LibvirtConnection& libvirt, const UpRequest& request, UpReport& report)
    : libvirt_(libvirt),
      request_(request),
      report_(report),
      settings_(readLibvirtSettings(request.plan)) {}

void LibvirtMaker::claimNames() {
  auto isOurs = [this](const LibvirtThing& thing, const std::string& what) {
    std::optional<LibvirtMark> mark = markIn(thing.xml);
    if (mark && mark->owner == request_.owner && mark->cluster == request_.plan.name) return true;
    std::string whose =
        mark ? "belongs to cluster \"" + mark->cluster + "\" of " + mark->owner : "is not Muster's";
    throw ProvisionError("libvirt has a " + what + " \"" + thing.name + "\" already, which " +
                         whose + "; take another name for the cluster, or remove it");
  };
  std::set<std::string> wanted;
  for (const NodePlan& node : request_.plan.nodes) {
    wanted.insert(domainName(request_.plan.name, node.name));
  }
  for (const LibvirtThing& domain : libvirt_.domains()) {
    if (wanted.contains(domain.name) && isOurs(domain, "domain"))
      libvirt_.destroyDomain(domain.name);
  }
  for (const LibvirtThing& network : libvirt_.networks()) {
    bool isWanted = network.name == networkName(request_.plan.name);
    if (isWanted && isOurs(network, "network")) libvirt_.destroyNetwork(network.name);
  }
}

void LibvirtMaker::failIfCancelled() const {
  if (report_.isCancelled()) throw ProvisionError("cancelled: nobody wants the cluster any more");
}

std::string LibvirtMaker::makeNetwork() {
  LibvirtMark mark{.owner = request_.owner,
                   .cluster = request_.plan.name,
                   .directory = request_.directory,
                   .node = ""};
  if (!settings_.subnet.empty()) {
    std::string interface = interfaceOn(settings_.subnet);
    if (!interface.empty()) {
      throw ProvisionError("subnet: " + settings_.subnet + ".0/24 is in use already by " +
                           interface + " of this machine; take another one");
    }
    libvirt_.createNetwork(networkXml(mark, settings_.subnet));
    return settings_.subnet;
  }
  std::set<std::string> taken;
  for (const LibvirtThing& network : libvirt_.networks()) taken.insert(subnetIn(network.xml));
  int first = firstSubnet(request_.plan.name);
  for (int i = 0; i < kSubnets; ++i) {
    std::string subnet = kSubnetPrefix + std::to_string((first + i) % kSubnets);
    if (taken.contains(subnet) || !interfaceOn(subnet).empty()) continue;
    failIfCancelled();
    try {
      libvirt_.createNetwork(networkXml(mark, subnet));
      return subnet;
    } catch (const ProvisionError& error) {
      // This machine has a route to it, which libvirt sees.
      if (error.detail().find("already in use") == std::string::npos) throw;
    }
  }
  throw ProvisionError(
      "no network of 10.78.0.0/16 is free; give one as \"subnet\" in the cluster file");
}

void LibvirtMaker::define(const DomainPlan& plan, const std::string& hosts) {
  failIfCancelled();
  report_.state(plan.mark.node, "defining");
  auto files = request_.agentFiles.find(plan.mark.node);
  std::string directory = nodeDirectory(request_.directory, plan.mark.node);
  writeRoot(
      {.node = plan.mark.node,
       .domain = domainName(plan.mark.cluster, plan.mark.node),
       .directory = directory,
       .settings = plan.settings,
       .agentProgram = request_.agentProgram,
       .agentFiles = files == request_.agentFiles.end() ? std::vector<AgentFile>() : files->second,
       .hosts = hosts});
  putFile(directory + kDescription, containerXml(plan), 0600);
}

void LibvirtMaker::start(const DomainPlan& plan) {
  failIfCancelled();
  report_.state(plan.mark.node, "starting");
  startDomain(libvirt_, request_.directory, plan.mark.node, plan.settings,
              tenureFor(request_.tenure));
}

std::map<std::string, MadeNode> LibvirtMaker::make() {
  std::string subnet = makeNetwork();
  std::vector<DomainPlan> plans;
  std::vector<NodeDescription> nodes;
  for (size_t i = 0; i < request_.plan.nodes.size(); ++i) {
    const std::string& node = request_.plan.nodes[i].name;
    plans.push_back({.mark = {.owner = request_.owner,
                              .cluster = request_.plan.name,
                              .directory = request_.directory,
                              .node = node},
                     .settings = settings_.nodes[i],
                     .address = domainAddress(subnet, i),
                     .root = rootOf(nodeDirectory(request_.directory, node)),
                     .bootId = bootIdOf(nodeDirectory(request_.directory, node))});
    NodeDescription described;
    described.name = node;
    described.addresses = {plans.back().address};
    nodes.push_back(std::move(described));
  }
  std::string hosts = hostsFile(nodes).content;
  std::map<std::string, std::string> booting;
  std::map<std::string, MadeNode> made;
  for (const DomainPlan& plan : plans) {
    define(plan, hosts);
    start(plan);
    report_.state(plan.mark.node, "booting");
    made[plan.mark.node] = {.addresses = {plan.address},
                            .endpoint = support::Endpoint::parse(agentListensAt(plan.address)),
                            .networkNamespace = ""};
    if (plan.settings.boot.empty()) continue;
    booting[plan.mark.node] = nodeDirectory(request_.directory, plan.mark.node);
  }
  awaitBoot(booting, [&] {
    failIfCancelled();
    for (const DomainPlan& plan : plans) {
      if (libvirt_.power(domainName(plan.mark.cluster, plan.mark.node)) != DomainPower::kGone)
        continue;
      throw ProvisionError("its domain has ended by itself; \"rootfs\" may not be able to run " +
                               firstProcess(plan.settings.init)[0],
                           plan.mark.node);
    }
  });
  return made;
}

void startDomain(LibvirtConnection& libvirt, const std::string& directory, const std::string& node,
                 const LibvirtNodeSettings& settings, DomainTenure tenure) {
  std::string own = nodeDirectory(directory, node);
  mountRoot(own, settings, node);
  libvirt.createDomain(readFile(own + kDescription), tenure, node);
}

void awaitBoot(const std::map<std::string, std::string>& directories,
               const std::function<void()>& look) {
  std::map<std::string, std::string> rest = directories;
  bool areOver = waitUntil(after(kBootTime), [&] {
    look();
    std::erase_if(rest, [](const auto& each) {
      std::string status = readIfPresent(bootStatusOf(each.second));
      if (status.empty()) return false;
      if (status == "exit 0\n") return true;
      if (status.back() == '\n') status.pop_back();
      throw ProvisionError(
          "its boot commands ended with \"" + support::printable(status) +
              "\"; their log ends with: " + tailOf(bootLogOf(each.second), kEvidenceBytesMax),
          each.first);
    });
    return rest.empty();
  });
  if (areOver) return;
  throw ProvisionError(
      "its boot commands are not over after " + std::to_string(kBootTime.count()) +
          " s; their log ends with: " + tailOf(bootLogOf(rest.begin()->second), kEvidenceBytesMax),
      rest.begin()->first);
}

}  // namespace harness
