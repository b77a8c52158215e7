#include "harness/provision/podman/podman_backend.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "harness/os/program_path.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/podman/podman_maker.h"
#include "harness/provision/podman/podman_network.h"
#include "harness/provision/podman/podman_remains.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;

constexpr char kNoPodman[] =
    "the program podman in PATH; install podman, a runtime such as crun or runc, netavark and "
    "aardvark-dns";

// What podman does with a container that ends is done soon.
constexpr std::chrono::seconds kEndTime{20};

Podman requirePodman(const std::string& program) {
  if (program.empty())
    throw ProvisionError(Kind::kNotPossibleHere, std::string("missing: ") + kNoPodman);
  return Podman(program);
}

ClusterMark markOf(const KnownCluster& cluster) {
  return {.cluster = cluster.plan.name, .directory = cluster.directory, .owner = ""};
}

nlohmann::json containersOf(const Podman& podman, const ClusterMark& mark) {
  std::vector<std::string> words = {"ps", "--all", "--format", "json"};
  for (std::string& option : filterOptions(mark)) words.push_back(std::move(option));
  return podman.list(words);
}

std::string labelIn(const nlohmann::json& thing, const char* labels, const char* name) {
  auto all = thing.find(labels);
  return all == thing.end() || !all->is_object() ? "" : all->value(name, "");
}

Power powerFor(const std::string& state) {
  if (state == "running") return Power::kOn;
  return state == "paused" ? Power::kFrozen : Power::kOff;
}

}  // namespace

PodmanBackend::PodmanBackend() : program_(programInPath("podman")) {}

KindKeys PodmanBackend::keys() const {
  return podmanKeys();
}

Examination PodmanBackend::examine(const ClusterPlan& plan) {
  PodmanSettings settings = readPodmanSettings(plan);
  if (program_.empty()) return {.missing = {kNoPodman}, .degraded = {}};
  Podman podman(program_);
  Examination report = examinePodman(plan, settings, podman);
  // Without a podman that works, nothing can be said of its networks.
  if (report.missing.empty()) examineNetwork(settings.network, podman, report);
  return report;
}

std::map<std::string, MadeNode> PodmanBackend::up(const UpRequest& request, UpReport& report) {
  PodmanMaker maker(requirePodman(program_), request, report);
  KnownCluster cluster{.plan = request.plan,
                       .tenure = request.tenure,
                       .directory = request.directory,
                       .kept = nullptr};
  // What is there of this cluster was left by a killed process.
  down(cluster);
  maker.requireNames();
  try {
    return maker.make();
  } catch (...) {
    down(cluster);
    throw;
  }
}

std::map<std::string, Power> PodmanBackend::state(const KnownCluster& cluster) {
  std::map<std::string, Power> power;
  for (const nlohmann::json& container : containersOf(podmanOf(cluster), markOf(cluster))) {
    power[labelIn(container, "Labels", kNodeLabel)] = powerFor(container.value("State", ""));
  }
  if (!power.empty()) return power;
  throw ProvisionError(Kind::kNoSuchCluster,
                       "podman has no container of cluster \"" + cluster.plan.name + "\" any more");
}

void PodmanBackend::down(const KnownCluster& cluster) {
  Podman podman = podmanOf(cluster);
  ClusterMark mark = markOf(cluster);
  awaitOrphans(mark.cluster);
  std::vector<std::string> remove = {"rm", "--force", "--ignore", "--time", "0", "--volumes"};
  size_t words = remove.size();
  for (const nlohmann::json& container : containersOf(podman, mark)) {
    remove.push_back(container.at("Id").get<std::string>());
  }
  if (remove.size() > words) podman.run(remove);
  removeTorn(podman, mark.cluster);
  std::vector<std::string> networks = {"network", "ls", "--format", "json"};
  for (std::string& option : filterOptions(mark)) networks.push_back(std::move(option));
  for (const nlohmann::json& network : podman.list(networks)) {
    podman.run({"network", "rm", network.at("name").get<std::string>()});
  }
}

std::vector<std::string> PodmanBackend::list(const std::string& owner) {
  if (program_.empty()) return {};
  Podman podman(program_);
  std::string filter = std::string("label=") + kOwnerLabel + "=" + owner;
  std::set<std::string> clusters;
  for (const nlohmann::json& container :
       podman.list({"ps", "--all", "--filter", filter, "--format", "json"})) {
    clusters.insert(labelIn(container, "Labels", kClusterLabel));
  }
  for (const nlohmann::json& network :
       podman.list({"network", "ls", "--filter", filter, "--format", "json"})) {
    clusters.insert(labelIn(network, "labels", kClusterLabel));
  }
  clusters.erase("");
  return {clusters.begin(), clusters.end()};
}

Podman PodmanBackend::podmanOf(const KnownCluster& cluster) const {
  Podman podman = requirePodman(program_);
  if (cluster.kept.is_object()) {
    podman.setOptions(cluster.kept.value("options", std::vector<std::string>()));
  }
  return podman;
}

PodmanBackend::Found PodmanBackend::find(const Podman& podman, const KnownCluster& cluster,
                                         const std::string& node) const {
  for (const nlohmann::json& container : containersOf(podman, markOf(cluster))) {
    if (labelIn(container, "Labels", kNodeLabel) != node) continue;
    return {.id = container.at("Id").get<std::string>(),
            .state = container.value("State", ""),
            .pid = container.value("Pid", 0)};
  }
  throw ProvisionError("podman has no container of it any more", node);
}

void PodmanBackend::freeze(const KnownCluster& cluster, const std::string& node) {
  Podman podman = podmanOf(cluster);
  Found found = find(podman, cluster, node);
  if (found.state == "paused") return;
  if (found.state != "running") throw ProvisionError("freeze: the node is off", node);
  podman.run({"pause", found.id}, node);
}

void PodmanBackend::thaw(const KnownCluster& cluster, const std::string& node) {
  Podman podman = podmanOf(cluster);
  Found found = find(podman, cluster, node);
  if (found.state == "paused") podman.run({"unpause", found.id}, node);
}

void PodmanBackend::powerOff(const KnownCluster& cluster, const std::string& node) {
  Podman podman = podmanOf(cluster);
  Found found = find(podman, cluster, node);
  if (found.state == "running") {
    podman.run({"kill", "--signal", "KILL", found.id}, node);
  } else if (found.state == "paused") {
    // podman kills no paused container, and one that it continues first would do something.
    if (found.pid > 0 && ::kill(found.pid, SIGKILL) != 0 && errno != ESRCH) {
      throw ProvisionError(std::string("power off: kill: ") + std::strerror(errno), node);
    }
    podman.attempt({"unpause", found.id});
  }
  bool isOff = waitUntil(
      after(kEndTime), [&] { return powerFor(find(podman, cluster, node).state) == Power::kOff; });
  if (!isOff) throw ProvisionError("power off: its container still runs", node);
}

PowerBefore PodmanBackend::powerOn(const KnownCluster& cluster, const std::string& node) {
  Podman podman = podmanOf(cluster);
  Found found = find(podman, cluster, node);
  if (powerFor(found.state) != Power::kOff) return PowerBefore::kOn;
  auto planned = std::find_if(cluster.plan.nodes.begin(), cluster.plan.nodes.end(),
                              [&](const NodePlan& each) { return each.name == node; });
  auto index = static_cast<size_t>(planned - cluster.plan.nodes.begin());
  PodmanNodeSettings settings = readPodmanSettings(cluster.plan).nodes.at(index);
  std::string directory = nodeDirectory(markOf(cluster), node);
  renewUnits(settings, directory);
  startContainer(podman, found.id, directory, node);
  if (settings.boot.empty()) return PowerBefore::kOff;
  try {
    awaitBoot({{node, directory}}, [] { return false; });
  } catch (...) {
    powerOff(cluster, node);
    throw;
  }
  return PowerBefore::kOff;
}

}  // namespace harness
