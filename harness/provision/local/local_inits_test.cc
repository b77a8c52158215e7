// Process 1 of local nodes, and the commands that it runs at each start.
#include <gmock/gmock.h>

#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/local/local_testing.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LocalInitsTest : public LocalProvisionerTest {};

TEST_F(LocalInitsTest, NodesWithSystemdRunTheirOwn) {
  ClusterPlan plan = planOf(name_, 2);
  for (NodePlan& node : plan.nodes) node.settings["init"] = Setting("init", "systemd");
  plan.nodes[0].settings["boot"] =
      Setting("boot", std::vector<std::string>{"echo booted > /var/tmp/boot"});
  Examination machine = LocalProvisioner(options()).examine(plan);
  if (!machine.missing.empty()) GTEST_SKIP() << machine.missing[0];
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(plan, Tenure::kOwned);
  EXPECT_EQ(ask(cluster, 0, "cat /var/tmp/boot"), "booted\n");
  EXPECT_EQ(ask(cluster, 0, "cat /proc/1/comm"), "systemd\n");
  EXPECT_EQ(ask(cluster, 1, "timeout 4 systemctl is-system-running --wait"), "running\n");
  EXPECT_EQ(ask(cluster, 1, "systemctl --failed --no-legend"), "");
  EXPECT_THAT(ask(cluster, 1,
                  "systemd-run --wait -q sh -c 'echo hello > /var/tmp/unit'; cat /var/tmp/unit"),
              HasSubstr("hello"));
}

TEST_F(LocalInitsTest, NodesWithSysvinitRunTheirOwn) {
  ClusterPlan plan = planOf(name_, 2);
  for (NodePlan& node : plan.nodes) node.settings["init"] = Setting("init", "sysvinit");
  plan.nodes[0].settings["boot"] =
      Setting("boot", std::vector<std::string>{"echo booted >> /var/tmp/boot"});
  Examination machine = LocalProvisioner(options()).examine(plan);
  if (!machine.missing.empty()) GTEST_SKIP() << machine.missing[0];
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(plan, Tenure::kOwned);
  EXPECT_EQ(ask(cluster, 0, "cat /var/tmp/boot"), "booted\n");
  EXPECT_EQ(ask(cluster, 0, "cat /proc/1/comm"), "init\n");
  EXPECT_EQ(ask(cluster, 0, "runlevel"), "N 2\n");
  // What is enabled on the node stays enabled, and nothing of the machine comes back.
  ask(cluster, 1, "printf '#!/bin/sh\necho $1 >> /var/tmp/mine\n' > /etc/init.d/mine");
  ask(cluster, 1, "chmod +x /etc/init.d/mine; ln -s ../init.d/mine /etc/rc2.d/S80mine");
  local.powerOff(name_, "server2");
  local.powerOn(name_, "server2");
  EXPECT_EQ(ask(cluster, 1, "cat /var/tmp/mine"), "start\n");
  EXPECT_EQ(ask(cluster, 1, "ls /etc/rc2.d | grep ^S"), "S80mine\nS90nodeagent\nS91muster-boot\n");
}

TEST_F(LocalInitsTest, NodeWithSysvinitThatHaltsIsOff) {
  ClusterPlan plan = planOf(name_, 1);
  plan.nodes[0].settings["init"] = Setting("init", "sysvinit");
  Examination machine = LocalProvisioner(options()).examine(plan);
  if (!machine.missing.empty()) GTEST_SKIP() << machine.missing[0];
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(plan, Tenure::kOwned);
  ask(cluster, 0, "telinit 0");
  EXPECT_TRUE(waitUntil(after(std::chrono::seconds(20)),
                        [&] { return local.state(name_).power.at("server1") == Power::kOff; }));
  EXPECT_EQ(local.powerOn(name_, "server1"), PowerBefore::kOff);
  EXPECT_EQ(ask(cluster, 0, "echo alive"), "alive\n");
}

TEST_F(LocalInitsTest, BootCommandsThatFailAreShownAndNothingStays) {
  ClusterPlan plan = planOf(name_, 1);
  plan.nodes[0].settings["init"] = Setting("init", "systemd");
  plan.nodes[0].settings["boot"] = Setting(
      "boot",
      std::vector<std::string>{"echo begun", "echo no such thing >&2; exit 3", "echo not reached"});
  LocalProvisioner local(options());
  EXPECT_THAT([&] { local.up(plan, Tenure::kOwned); },
              ::testing::ThrowsMessage<ProvisionError>(
                  AllOf(HasSubstr("node server1: its boot commands ended with \"exit 3\""),
                        HasSubstr("begun|no such thing"), Not(HasSubstr("not reached")))));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

// The commands find the disk of the start before, and make again what was in memory.
TEST_F(LocalInitsTest, BootCommandsRunAtEveryStart) {
  ClusterPlan plan = planOf(name_, 1);
  plan.nodes[0].settings["init"] = Setting("init", "systemd");
  plan.nodes[0].settings["boot"] =
      Setting("boot", std::vector<std::string>{"echo started >> /var/tmp/starts", "mkdir /run/made",
                                               "test ! -e /var/tmp/broken"});
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(plan, Tenure::kOwned);
  local.powerOff(name_, "server1");
  local.powerOn(name_, "server1");
  EXPECT_EQ(ask(cluster, 0, "cat /var/tmp/starts; test -d /run/made && echo made"),
            "started\nstarted\nmade\n");
  ask(cluster, 0, "touch /var/tmp/broken");
  local.powerOff(name_, "server1");
  EXPECT_THAT([&] { local.powerOn(name_, "server1"); },
              ::testing::ThrowsMessage<ProvisionError>(
                  HasSubstr("node server1: its boot commands ended with \"exit 1\"")));
  EXPECT_EQ(local.state(name_).power.at("server1"), Power::kOff);
}

}  // namespace
}  // namespace harness
