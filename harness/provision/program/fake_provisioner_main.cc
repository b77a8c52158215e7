// A kind of provisioner for tests of the protocol: each node is a muster-fake-nodeagent that
// listens at a unix socket in the cluster's directory. The key "fault" of a node lets up()
// misbehave there.
#include <signal.h>

#include "harness/os/files.h"
#include "harness/os/process.h"
#include "harness/provision/error.h"
#include "harness/provision/program/serve.h"

namespace {

using namespace harness;

constexpr std::chrono::seconds kActionTime{5};

std::string socketOf(const std::string& directory, const std::string& node) {
  return directory + "/" + node + ".sock";
}

// Returns the process that listens at a socket; 0: there is none.
pid_t agentAt(const std::string& socket) {
  std::string word = "--socket=" + socket;
  for (const std::string& name : namesIn("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string words = readIfPresent("/proc/" + name + "/cmdline");
    if (words.find(word + '\0') != std::string::npos) return std::stoi(name);
  }
  return 0;
}

bool isStopped(pid_t pid) {
  return readIfPresent("/proc/" + std::to_string(pid) + "/stat").find(") T") != std::string::npos;
}

void start(const std::string& agent, const std::string& socket) {
  spawn(apart({agent, "--socket=" + socket}));
}

void end(const std::string& socket) {
  pid_t pid = agentAt(socket);
  if (pid != 0) killProcess(pid, startTimeOf(pid), after(kActionTime));
}

const std::vector<std::string> kFaults = {"fail", "crash", "hang"};

void checkFault(const Setting& fault) {
  fault.word(kFaults);
}

class FakeBackend : public Backend, public BackendMachines {
 public:
  KindKeys keys() const override {
    return {.name = "fake",
            .clusterKeys = {{.name = "colour", .example = "red"}},
            .nodeKeys = {{.name = "fault", .check = checkFault}},
            .check = [](const ClusterPlan& plan) {
              auto colour = plan.settings.find("colour");
              if (colour != plan.settings.end() && colour->second.text() == "none") {
                colour->second.fail("colour: \"none\" is no colour");
              }
            }};
  }

  Examination examine(const ClusterPlan& plan) override {
    Examination machine;
    auto colour = plan.settings.find("colour");
    if (colour == plan.settings.end()) return machine;
    if (colour->second.text() == "black") machine.missing.push_back("light");
    if (colour->second.text() == "grey") machine.degraded.push_back("no colours");
    return machine;
  }

  std::map<std::string, MadeNode> up(const UpRequest& request, UpReport& report) override {
    std::map<std::string, MadeNode> made;
    KnownCluster cluster{request.plan, request.tenure, request.directory, nullptr};
    report.keep({{"agent", request.agentProgram}});
    for (const NodePlan& node : request.plan.nodes) {
      report.state(node.name, "starting", "at its socket");
      std::string socket = socketOf(request.directory, node.name);
      start(request.agentProgram, socket);
      made[node.name] = {.addresses = {}, .endpoint = support::Endpoint::parse("unix:" + socket)};
      auto fault = node.settings.find("fault");
      if (fault != node.settings.end()) misbehave(fault->second.word(kFaults), node, report);
      if (!report.isCancelled()) continue;
      down(cluster);
      throw ProvisionError("cancelled", node.name);
    }
    return made;
  }

  std::map<std::string, Power> state(const KnownCluster& cluster) override {
    std::map<std::string, Power> power;
    for (const NodePlan& node : cluster.plan.nodes) {
      pid_t pid = agentAt(socketOf(cluster.directory, node.name));
      power[node.name] = pid == 0 ? Power::kOff : isStopped(pid) ? Power::kFrozen : Power::kOn;
    }
    return power;
  }

  void down(const KnownCluster& cluster) override {
    for (const NodePlan& node : cluster.plan.nodes) end(socketOf(cluster.directory, node.name));
  }

  std::vector<std::string> list(const std::string&) override { return {}; }

  BackendMachines* machines() override { return this; }

  void freeze(const KnownCluster& cluster, const std::string& node) override {
    pid_t pid = pidOf(cluster, node);
    ::kill(pid, SIGSTOP);
    waitUntil(after(kActionTime), [pid] { return isStopped(pid); });
  }
  void thaw(const KnownCluster& cluster, const std::string& node) override {
    pid_t pid = pidOf(cluster, node);
    ::kill(pid, SIGCONT);
    waitUntil(after(kActionTime), [pid] { return !isStopped(pid); });
  }
  void powerOff(const KnownCluster& cluster, const std::string& node) override {
    checkName(cluster, node);
    end(socketOf(cluster.directory, node));
  }
  PowerBefore powerOn(const KnownCluster& cluster, const std::string& node) override {
    checkName(cluster, node);
    std::string socket = socketOf(cluster.directory, node);
    if (agentAt(socket) != 0) return PowerBefore::kOn;
    start(cluster.kept.at("agent").get<std::string>(), socket);
    return PowerBefore::kOff;
  }

 private:
  static void misbehave(size_t fault, const NodePlan& node, const UpReport& report) {
    if (fault == 0) throw ProvisionError("its disk is full", node.name);
    if (fault == 1) ::raise(SIGSEGV);
    // Until nobody waits for it any more.
    waitUntil(after(std::chrono::minutes(1)), [&report] { return report.isCancelled(); });
  }

  static void checkName(const KnownCluster& cluster, const std::string& node) {
    for (const NodePlan& each : cluster.plan.nodes) {
      if (each.name == node) return;
    }
    throw ProvisionError("there is no such node", node);
  }

  static pid_t pidOf(const KnownCluster& cluster, const std::string& node) {
    checkName(cluster, node);
    pid_t pid = agentAt(socketOf(cluster.directory, node));
    if (pid == 0) throw ProvisionError("is off", node);
    return pid;
  }
};

}  // namespace

int main(int argc, char** argv) {
  FakeBackend backend;
  return serveBackend(backend, argc, argv);
}
