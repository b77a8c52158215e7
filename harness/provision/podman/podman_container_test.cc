// Tests the words of `podman create` and a node's files, the facts of a machine, and the choice of
// addresses. No podman is needed.
#include "harness/provision/podman/podman_container.h"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/provision/error.h"
#include "harness/provision/podman/podman_machine.h"
#include "harness/provision/podman/podman_network.h"
#include "harness/provision/program/program_testing.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ContainerPlan containerPlan() {
  ContainerPlan plan;
  plan.mark = {.cluster = "pod", .directory = "/d", .owner = "me"};
  plan.node = "s1";
  plan.settings.image = "debian:12";
  plan.network = "muster_pod";
  plan.address = "10.89.0.11";
  plan.agentProgram = "/opt/nodeagent";
  return plan;
}

// Returns the words as one text, each in brackets.
std::string textOf(const ContainerPlan& plan) {
  std::string text;
  for (const std::string& word : createWords(plan)) text += "[" + word + "]";
  return text;
}

TEST(PodmanContainerTest, AgentIsProcessOneOfAnyImage) {
  std::string text = textOf(containerPlan());
  EXPECT_THAT(text, HasSubstr("[--volume][/opt/nodeagent:/usr/bin/nodeagent:ro]"));
  EXPECT_THAT(text, HasSubstr("[--entrypoint][[\"/usr/bin/nodeagent\"]][debian:12][--role=init]"
                              "[--config=/etc/nodeagent/nodeagent.yaml]"));
  EXPECT_THAT(text, HasSubstr("[--label][muster.owner=me]"));
  EXPECT_THAT(text, HasSubstr("[--label][muster.node=s1]"));
  EXPECT_THAT(text, HasSubstr("[--network][muster_pod:ip=10.89.0.11,alias=s1]"));
  EXPECT_THAT(text, HasSubstr("[--pids-limit][-1]"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("--publish")), Not(HasSubstr("--memory")),
                          Not(HasSubstr("unmask"))));
}

TEST(PodmanContainerTest, SettingsBecomeOptions) {
  ContainerPlan plan = containerPlan();
  plan.settings.memoryBytes = 64 << 20;
  plan.settings.pids = 100;
  plan.settings.cpus = "0.5";
  plan.settings.capabilities = {"mknod"};
  plan.settings.environment = {{"A", "x y"}};
  plan.settings.volumes = {"/a:/b:ro"};
  plan.settings.ports = {"8080:80"};
  plan.control = ContainerControl::kLoopback;
  plan.ownsGroups = true;
  plan.limits = {"--ulimit", "nofile=9:9"};
  std::string text = textOf(plan);
  for (const char* words : {"[--memory][67108864b]", "[--pids-limit][100]", "[--cpus][0.5]",
                            "[--cap-add][mknod]", "[--env][A=x y]", "[--volume][/a:/b:ro]",
                            "[--publish][8080:80]", "[--publish][127.0.0.1::7411]",
                            "[--security-opt][unmask=/sys/fs/cgroup]", "[--ulimit][nofile=9:9]"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
}

TEST(PodmanContainerTest, RootOfTheMachineIsCoveredWhereItIsNotForTheNode) {
  ContainerPlan plan = containerPlan();
  plan.settings.image = "";
  plan.settings.rootfs = "/";
  plan.settings.init = ContainerInit::kSystemd;
  std::string text = textOf(plan);
  EXPECT_THAT(text, HasSubstr("[--rootfs][/:O][/lib/systemd/systemd]"));
  EXPECT_THAT(text, HasSubstr("[--systemd][always]"));
  EXPECT_THAT(text, HasSubstr("[/dev/null:/etc/fstab:ro]"));
  EXPECT_THAT(text, HasSubstr("[/d/nodes/s1/units:/run/systemd/system]"));
  plan.settings.rootfs = "/srv/root";
  EXPECT_THAT(textOf(plan), Not(HasSubstr("/etc/fstab")));
}

TEST(PodmanContainerTest, FilesOfANodeAreBelowItsDirectory) {
  ScratchDirectory scratch;
  ContainerPlan plan = containerPlan();
  plan.mark.directory = scratch.path();
  plan.settings.init = ContainerInit::kSystemd;
  plan.settings.boot = {"touch /x"};
  std::string node = nodeDirectory(plan.mark, "s1");
  for (int times = 0; times < 2; ++times) {
    writeNodeFiles(plan,
                   {{kAgentConfigPath, "node: s1\n", 0600}, {"/etc/nodeagent/tls/ca.pem", "c"}},
                   "10.89.0.11 s1\n");
  }
  EXPECT_EQ(readFile(node + "/agent/tls/ca.pem"), "c");
  EXPECT_THAT(readFile(node + "/agent/nodeagent.yaml"), HasSubstr("/etc/nodeagent/boot.status"));
  EXPECT_THAT(readFile(node + "/agent/boot"), HasSubstr("touch /x"));
  EXPECT_THAT(readFile(node + "/units/muster-boot.service"), HasSubstr("cd /etc/nodeagent"));
  EXPECT_EQ(readFile(node + "/machine-id").size(), 33u);
  putFile(node + "/units/kvd.service", "[Service]\n", 0644);
  renewUnits(plan.settings, node);
  EXPECT_THAT(namesIn(node + "/units"),
              AllOf(Contains("nodeagent.service"), Not(Contains("kvd.service"))));
}

TEST(PodmanContainerTest, NodesOfTwoClustersNeverHaveOneName) {
  EXPECT_NE(containerName("a", "b-c"), containerName("a-b", "c"));
  EXPECT_NE(containerName("a_b", "c"), containerName("a", "b.c"));
}

TEST(PodmanMachineTest, FactsAreThoseOfPodmanInfo) {
  PodmanFacts facts = parsePodmanFacts(R"({"host": {"cgroupControllers": ["memory", "pids"],
    "cgroupVersion": "v2", "networkBackend": "netavark", "security": {"rootless": true},
    "slirp4netns": {"executable": "/usr/bin/slirp4netns"}}, "version": {"Version": "4.3.1"}})");
  EXPECT_EQ(facts.version, "4.3.1");
  EXPECT_TRUE(facts.isRootless && facts.hasUnifiedGroups && facts.hasSlirp);
  EXPECT_THAT(facts.controllers, ElementsAre("memory", "pids"));
  EXPECT_THROW(parsePodmanFacts("{}"), std::exception);
}

TEST(PodmanMachineTest, OwnChoiceOfPodmanIsTriedFirst) {
  std::vector<std::vector<std::string>> choices = runtimeChoices();
  EXPECT_THAT(choices.front(), IsEmpty());
  EXPECT_GE(choices.size(), 2u);
}

TEST(PodmanMachineTest, ReasonIsPodmansErrorWithoutItsWarnings) {
  CommandResult result{.status = 125};
  result.errors = "time=x level=warning msg=\"y\"\nError: no such image\ntime=x level=debug\n";
  EXPECT_EQ(podmanReason(result), "no such image");
  result.errors = "strange\n";
  EXPECT_EQ(podmanReason(result), "strange");
  result.errors = "";
  EXPECT_THAT(podmanReason(result), HasSubstr("125"));
}

TEST(PodmanNetworkTest, AddressesAreTheLowestThatAreFree) {
  EXPECT_THAT(chooseAddresses("10.89.0.0/24", {"10.89.0.1", "10.89.0.12"}, 3),
              ElementsAre("10.89.0.11", "10.89.0.13", "10.89.0.14"));
  EXPECT_THAT(chooseAddresses("10.1.255.128/29", {"10.1.255.130"}, 1), ElementsAre("10.1.255.131"));
  EXPECT_THROW(chooseAddresses("10.89.0.0/28", {}, 12), ProvisionError);
  for (const char* subnet : {"10.89.0.0", "fd00::/64", "10.89.0.0/31", "x/24", ""}) {
    EXPECT_THROW(chooseAddresses(subnet, {}, 1), ProvisionError) << subnet;
  }
}

}  // namespace
}  // namespace harness
