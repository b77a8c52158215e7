#include "harness/provision/podman/podman_machine.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "harness/os/files.h"
#include "harness/os/program_path.h"
#include "harness/provision/error.h"
#include "harness/provision/programs.h"

namespace harness {
namespace {

// The first with netavark, and aliases of containers on its networks.
constexpr int kMajorLeast = 4;

// A subnet of podman has 253 addresses.
constexpr size_t kNodesMax = 200;

uint64_t availableMemory() {
  std::istringstream lines(readIfPresent("/proc/meminfo"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("MemAvailable:"))
      return std::strtoull(line.c_str() + 13, nullptr, 10) << 10;
  }
  return 0;
}

bool hasCapability(unsigned number) {
  std::istringstream lines(readIfPresent("/proc/self/status"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("CapEff:")) continue;
    return (std::strtoull(line.c_str() + 7, nullptr, 16) >> number & 1) != 0;
  }
  return false;
}

std::string mebibytes(uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

void examineVersion(const PodmanFacts& facts, Examination& report) {
  if (std::atoi(facts.version.c_str()) < kMajorLeast) {
    report.missing.push_back("podman 4.0 or newer; this one is " + facts.version);
  }
  if (facts.networkBackend != "netavark") {
    report.missing.push_back(
        "podman's network backend netavark, by which names of nodes resolve; this podman uses " +
        (facts.networkBackend.empty() ? "an unknown one" : facts.networkBackend) +
        "; install netavark and aardvark-dns, then \"podman system reset\"");
  }
  if (facts.isRootless && !facts.hasSlirp) {
    report.missing.push_back(
        "the program slirp4netns, without which containers of an ordinary user have no network; "
        "install slirp4netns");
  }
  // netavark calls it, and does not name it when it is not there.
  if (programInPath("iptables").empty()) {
    report.missing.push_back("the program iptables, by which podman's networks work");
  }
}

void examineLimits(const PodmanSettings& settings, const PodmanFacts& facts, Examination& report) {
  auto need = [&](const char* key, const char* controller, auto isWanted) {
    if (std::none_of(settings.nodes.begin(), settings.nodes.end(), isWanted)) return;
    auto& have = facts.controllers;
    if (std::find(have.begin(), have.end(), controller) != have.end()) return;
    report.missing.push_back(
        std::string("the controller \"") + controller + "\" of control groups, which the key \"" +
        key + "\" needs; leave the key out" +
        (facts.isRootless ? ", have it delegated to this user, or be root" : ""));
  };
  need("memory", "memory", [](const PodmanNodeSettings& node) { return node.memoryBytes > 0; });
  need("pids", "pids", [](const PodmanNodeSettings& node) { return node.pids > 0; });
  need("cpus", "cpu", [](const PodmanNodeSettings& node) { return !node.cpus.empty(); });
  uint64_t wanted = 0;
  for (const PodmanNodeSettings& node : settings.nodes) wanted += node.memoryBytes;
  uint64_t available = availableMemory();
  if (wanted > available) {
    report.missing.push_back("memory: the nodes may use " + mebibytes(wanted) +
                             " together, and this machine has " + mebibytes(available) +
                             " available");
  }
}

void examineRoots(const PodmanSettings& settings, const PodmanFacts& facts, const Podman& podman,
                  Examination& report) {
  std::set<std::string> images;
  std::set<std::string> directories;
  for (const PodmanNodeSettings& node : settings.nodes) {
    (node.image.empty() ? directories : images)
        .insert(node.image.empty() ? node.rootfs : node.image);
  }
  for (const std::string& image : images) {
    if (settings.pull == Pull::kMissing) break;
    if (podman.attempt({"image", "exists", image}).succeeded()) continue;
    report.missing.push_back("the image " + image +
                             ": podman has none of this name; \"podman pull " + image +
                             "\", or \"pull: missing\" in the cluster file");
  }
  for (const std::string& directory : directories) {
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      report.missing.push_back("the directory " + directory + ", which is a rootfs");
    } else if (facts.isRootless && directory == "/") {
      report.missing.push_back(
          "root, which \"rootfs: /\" needs: an ordinary user cannot put an overlay on /; give a "
          "directory of that user's own, or an image");
    }
  }
}

}  // namespace

PodmanFacts parsePodmanFacts(const std::string& info) {
  nlohmann::json json = nlohmann::json::parse(info);
  const nlohmann::json& host = json.at("host");
  PodmanFacts facts;
  facts.version = json.at("version").at("Version").get<std::string>();
  facts.isRootless = host.at("security").at("rootless").get<bool>();
  facts.hasUnifiedGroups = host.value("cgroupVersion", "") == "v2";
  for (const nlohmann::json& controller :
       host.value("cgroupControllers", nlohmann::json::array())) {
    facts.controllers.push_back(controller.get<std::string>());
  }
  facts.networkBackend = host.value("networkBackend", "");
  facts.hasSlirp =
      !host.value("slirp4netns", nlohmann::json::object()).value("executable", "").empty();
  return facts;
}

PodmanFacts podmanFacts(const Podman& podman) {
  std::string text = podman.run({"info", "--format", "json"});
  try {
    return parsePodmanFacts(text);
  } catch (const std::exception& error) {
    throw ProvisionError(std::string("podman info: ") + error.what());
  }
}

std::vector<std::vector<std::string>> runtimeChoices() {
  const std::string plainGroups = "--cgroup-manager=cgroupfs";
  std::vector<std::vector<std::string>> choices = {{}, {plainGroups}};
  for (const char* runtime : {"crun", "runc"}) {
    if (programInPath(runtime).empty()) continue;
    choices.push_back({"--runtime", runtime, plainGroups});
  }
  return choices;
}

std::vector<std::string> limitOptions(const PodmanFacts& facts) {
  if (facts.isRootless || hasCapability(CAP_SYS_RESOURCE)) return {};
  std::vector<std::string> options;
  auto add = [&](const char* name, __rlimit_resource resource, rlim_t most) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return;
    std::string number = std::to_string(std::min(limit.rlim_max, most));
    options.insert(options.end(), {"--ulimit", std::string(name) + "=" + number + ":" + number});
  };
  add("nofile", RLIMIT_NOFILE, 1048576);
  rlim_t processes = std::strtoull(readIfPresent("/proc/sys/kernel/pid_max").c_str(), nullptr, 10);
  add("nproc", RLIMIT_NPROC, processes > 0 ? processes : 32768);
  return options;
}

Examination examinePodman(const ClusterPlan& plan, const PodmanSettings& settings,
                          const Podman& podman) {
  Examination report;
  PodmanFacts facts;
  try {
    facts = podmanFacts(podman);
  } catch (const ProvisionError& error) {
    report.missing.push_back("a podman that works: " + error.detail());
    return report;
  }
  examineVersion(facts, report);
  examineLimits(settings, facts, report);
  examineRoots(settings, facts, podman, report);
  if (plan.nodes.size() > kNodesMax) {
    report.missing.push_back("addresses for " + std::to_string(plan.nodes.size()) +
                             " nodes: a cluster of this kind has at most " +
                             std::to_string(kNodesMax));
  }
  if (findProgram("nodeagent").empty()) {
    report.missing.push_back(
        "the program nodeagent in $MUSTER_BIN_DIR, beside this program, or in PATH");
  }
  return report;
}

}  // namespace harness
