#include "harness/provision/podman/podman_maker.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kBootTime{120};
constexpr size_t kEvidenceBytesMax = 500;

// Returns what a container has written, as the evidence of an error.
std::string logOf(const Podman& podman, const std::string& container) {
  CommandResult log = podman.attempt({"logs", "--tail", "5", container});
  std::string text = log.output + log.errors;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return "; it wrote nothing";
  return "; it wrote: " + support::printable(support::endOf(text, kEvidenceBytesMax));
}

// The words of "podman port", such as "127.0.0.1:40001".
std::string publishedAgent(const Podman& podman, const std::string& container,
                           const std::string& node) {
  std::string text = podman.run({"port", container, std::to_string(kAgentPort) + "/tcp"}, node);
  return text.substr(0, text.find('\n'));
}

}  // namespace

PodmanMaker::PodmanMaker(Podman podman, const UpRequest& request, UpReport& report)
    : podman_(std::move(podman)),
      request_(request),
      report_(report),
      settings_(readPodmanSettings(request.plan)),
      mark_{.cluster = request.plan.name, .directory = request.directory, .owner = request.owner},
      facts_(podmanFacts(podman_)) {}

void PodmanMaker::requireNames() const {
  std::set<std::string> wanted;
  for (const NodePlan& node : request_.plan.nodes) {
    wanted.insert(containerName(mark_.cluster, node.name));
  }
  for (const nlohmann::json& container : podman_.list({"ps", "--all", "--format", "json"})) {
    for (const nlohmann::json& name : container.value("Names", nlohmann::json::array())) {
      if (!wanted.contains(name.get<std::string>())) continue;
      throw ProvisionError("podman has a container " + name.get<std::string>() +
                           " already that is not this cluster's; take another name for the "
                           "cluster, or see \"podman inspect " +
                           name.get<std::string>() + "\"");
    }
  }
}

void PodmanMaker::failIfCancelled() const {
  if (report_.isCancelled()) throw ProvisionError("cancelled: nobody wants the cluster any more");
}

void PodmanMaker::pullImages() {
  if (settings_.pull == Pull::kNever) return;
  std::set<std::string> seen;
  for (size_t i = 0; i < settings_.nodes.size(); ++i) {
    const std::string& image = settings_.nodes[i].image;
    if (image.empty() || !seen.insert(image).second) continue;
    if (podman_.attempt({"image", "exists", image}).succeeded()) continue;
    report_.state(request_.plan.nodes[i].name, "pulling", image);
    podman_.pull(image, [this] { return report_.isCancelled(); });
  }
}

ContainerPlan PodmanMaker::planOf(size_t index, const PodmanNetwork& network) const {
  return {.mark = mark_,
          .node = request_.plan.nodes[index].name,
          .settings = settings_.nodes[index],
          .network = network.name,
          .address = network.addresses[index],
          .control = facts_.isRootless ? ContainerControl::kLoopback : ContainerControl::kBridge,
          .ownsGroups = facts_.hasUnifiedGroups,
          .agentProgram = request_.agentProgram,
          .limits = limitOptions(facts_)};
}

void PodmanMaker::create(const ContainerPlan& plan, const std::string& hosts) {
  failIfCancelled();
  report_.state(plan.node, "creating");
  auto files = request_.agentFiles.find(plan.node);
  writeNodeFiles(
      plan, files == request_.agentFiles.end() ? std::vector<AgentFile>() : files->second, hosts);
  podman_.run(createWords(plan), plan.node);
}

void PodmanMaker::start(const ContainerPlan& plan) {
  failIfCancelled();
  report_.state(plan.node, "starting");
  startContainer(podman_, containerName(mark_.cluster, plan.node), nodeDirectory(mark_, plan.node),
                 plan.node);
}

// The choice is kept with the cluster: what is made by one runtime is changed by it.
void PodmanMaker::chooseRuntime(const ContainerPlan& plan, const std::string& hosts) {
  std::string reason;
  for (const std::vector<std::string>& options : runtimeChoices()) {
    podman_.setOptions(options);
    try {
      create(plan, hosts);
      start(plan);
      report_.keep({{"options", options}});
      return;
    } catch (const ProvisionError& error) {
      failIfCancelled();
      // The machine's own choice has the reason that people know.
      if (reason.empty()) reason = error.detail();
      podman_.attempt({"rm", "--force", "--ignore", containerName(mark_.cluster, plan.node)});
    }
  }
  throw ProvisionError(reason, plan.node);
}

MadeNode PodmanMaker::describe(const ContainerPlan& plan) const {
  MadeNode made;
  made.addresses = {plan.address};
  std::string endpoint = agentListensAt(plan.address);
  if (plan.control == ContainerControl::kLoopback) {
    endpoint = "tls:" + publishedAgent(podman_, containerName(mark_.cluster, plan.node), plan.node);
  }
  made.endpoint = support::Endpoint::parse(endpoint);
  return made;
}

std::map<std::string, MadeNode> PodmanMaker::make() {
  pullImages();
  PodmanNetwork network =
      prepareNetwork(settings_.network, mark_, request_.plan.nodes.size(), podman_);
  std::vector<ContainerPlan> plans;
  std::vector<NodeDescription> nodes;
  for (size_t i = 0; i < request_.plan.nodes.size(); ++i) {
    plans.push_back(planOf(i, network));
    NodeDescription described;
    described.name = plans.back().node;
    described.addresses = {plans.back().address};
    nodes.push_back(std::move(described));
  }
  std::string hosts = hostsFile(nodes).content;
  for (const ContainerPlan& plan : plans) {
    if (&plan == &plans.front()) {
      chooseRuntime(plan, hosts);
      continue;
    }
    create(plan, hosts);
    start(plan);
  }
  std::map<std::string, std::string> booting;
  std::map<std::string, MadeNode> made;
  for (const ContainerPlan& plan : plans) {
    made[plan.node] = describe(plan);
    if (plan.settings.boot.empty()) continue;
    report_.state(plan.node, "booting");
    booting[plan.node] = nodeDirectory(mark_, plan.node);
  }
  awaitBoot(booting, [this] { return report_.isCancelled(); });
  return made;
}

void startContainer(const Podman& podman, const std::string& container,
                    const std::string& directory, const std::string& node) {
  // An earlier start may have left it, and it would tell that this one is over.
  ::unlink((directory + kBootStatusFile).c_str());
  podman.run({"start", container}, node);
  std::string state =
      podman.run({"inspect", "--type", "container", "--format", "{{.State.Status}}", container});
  if (state.starts_with("exited") || state.starts_with("stopped")) {
    throw ProvisionError("its container has ended at once" + logOf(podman, container), node);
  }
}

void awaitBoot(const std::map<std::string, std::string>& directories,
               const std::function<bool()>& isCancelled) {
  std::map<std::string, std::string> rest = directories;
  bool areOver = waitUntil(after(kBootTime), [&] {
    if (isCancelled()) throw ProvisionError("cancelled: nobody wants the cluster any more");
    std::erase_if(rest, [](const auto& each) {
      std::string status = readIfPresent(each.second + kBootStatusFile);
      if (status.empty()) return false;
      if (status == "exit 0\n") return true;
      if (status.back() == '\n') status.pop_back();
      throw ProvisionError(
          "its boot commands ended with \"" + support::printable(status) +
              "\"; their log ends with: " + tailOf(each.second + kBootLogFile, kEvidenceBytesMax),
          each.first);
    });
    return rest.empty();
  });
  if (areOver) return;
  throw ProvisionError("its boot commands are not over after " + std::to_string(kBootTime.count()) +
                           " s; their log ends with: " +
                           tailOf(rest.begin()->second + kBootLogFile, kEvidenceBytesMax),
                       rest.begin()->first);
}

}  // namespace harness
