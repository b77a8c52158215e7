// The tests of local nodes share a program in the agent's place, a question to it, and a look for
// leftovers.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/os/wait.h"
#include "harness/provision/local/hub/state.h"
#include "harness/provision/local/local.h"
#include "harness/provision/programs.h"

namespace harness {

// Returns the options for nodes with muster-fake-nodeagent as their agent.
inline LocalOptions fakeAgentOptions() {
  LocalOptions options;
  options.agentProgram = findProgram("muster-fake-nodeagent");
  options.readyTime = std::chrono::seconds(20);
  return options;
}

// Lists everything on the machine that carries the cluster's name.
inline std::string localLeftovers(const std::string& cluster) {
  std::string found;
  ClusterPaths paths(cluster);
  for (const std::string& path : {paths.run, paths.data, paths.groups}) {
    if (!path.empty() && ::access(path.c_str(), F_OK) == 0) found += "directory " + path + "\n";
  }
  std::istringstream mounts(readFile("/proc/self/mounts"));
  for (std::string line; std::getline(mounts, line);) {
    if (line.find("/muster/" + cluster) != std::string::npos) found += "mount " + line + "\n";
  }
  for (const std::string& pid : namesIn("/proc")) {
    std::string root = readIfPresent("/proc/" + pid + "/mountinfo");
    if (root.find("/muster/" + cluster + "/") != std::string::npos)
      found += "process " + pid + "\n";
  }
  return found;
}

// Returns the answer of a node's fake to a shell command; "unreachable" if there is none within
// 5 s.
inline std::string ask(const ClusterDescription& cluster, size_t node, const std::string& command) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const support::Endpoint& endpoint = cluster.nodes.at(node).route.endpoint;
  if (::connect(socket.get(), endpoint.socketAddress(), endpoint.addressBytes) != 0) {
    return "unreachable";
  }
  writeAll(socket.get(), command, "to the fake");
  ::shutdown(socket.get(), SHUT_WR);
  std::string answer;
  char buffer[4096];
  Deadline deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (true) {
    pollfd readable{socket.get(), POLLIN, 0};
    if (::poll(&readable, 1, millisecondsUntil(deadline)) <= 0) return "unreachable";
    ssize_t size = ::read(socket.get(), buffer, sizeof buffer);
    if (size <= 0) return answer;
    answer.append(buffer, static_cast<size_t>(size));
  }
}

// Returns the plan of the nodes server1 to serverN.
inline ClusterPlan planOf(const std::string& name, size_t count) {
  ClusterPlan plan;
  plan.name = name;
  plan.provisioner = "local";
  for (size_t i = 1; i <= count; ++i) {
    NodePlan node;
    node.name = "server" + std::to_string(i);
    node.role = "server";
    plan.nodes.push_back(node);
  }
  return plan;
}

// Skips where no local nodes can be, and looks for leftovers of the test's cluster afterwards.
class LocalProvisionerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Examination machine = LocalProvisioner(options()).examine(planOf(name_, 2));
    if (!machine.missing.empty()) GTEST_SKIP() << "no local nodes here: " << machine.missing[0];
  }
  void TearDown() override {
    if (IsSkipped()) return;
    LocalProvisioner(options()).down(name_);
    EXPECT_THAT(localLeftovers(name_), ::testing::IsEmpty());
  }

  static LocalOptions options() { return fakeAgentOptions(); }

  std::string name_ = "unit" + std::to_string(::getpid());
};

}  // namespace harness
