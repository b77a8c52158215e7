#include "harness/provision/libvirt/libvirt_keys.h"

#include <gmock/gmock.h>

#include "harness/provision/kinds.h"

namespace harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Reads the keys without starting the program of the kind.
ClusterPlan planOf(Settings ofFile, std::vector<NodePlan> nodes) {
  ClusterPlan plan;
  plan.name = "demo";
  plan.provisioner = "libvirt";
  plan.settings = std::move(ofFile);
  plan.nodes = std::move(nodes);
  return plan;
}

NodePlan node(const std::string& name, Settings settings = {}) {
  return {.name = name,
          .role = "server",
          .labels = {},
          .settings = std::move(settings),
          .set = Setting("nodes", name)};
}

std::string complaintAbout(const ClusterPlan& plan) {
  try {
    checkSettings(libvirtKeys(), plan);
    return "";
  } catch (const ClusterFileError& error) {
    return error.what();
  }
}

TEST(LibvirtKeysTest, NodeOutranksFile) {
  LibvirtSettings settings = readLibvirtSettings(
      planOf({{"memory", Setting("memory", "64MiB")}, {"init", Setting("init", "systemd")}},
             {node("a", {{"memory", Setting("memory", "1GiB")}, {"cpus", Setting("cpus", "1.5")}}),
              node("b")}));
  EXPECT_EQ(settings.uri, "lxc:///system");
  EXPECT_EQ(settings.subnet, "");
  EXPECT_EQ(settings.nodes[0].memoryBytes, 1U << 30);
  EXPECT_EQ(settings.nodes[0].cpus, 1.5);
  EXPECT_EQ(settings.nodes[1].memoryBytes, 64U << 20);
  EXPECT_EQ(settings.nodes[1].cpus, 0);
  EXPECT_EQ(settings.nodes[1].init, DomainInit::kSystemd);
}

TEST(LibvirtKeysTest, SubnetIsRead) {
  ClusterPlan plan = planOf({{"subnet", Setting("subnet", "192.168.77.0/24")}}, {node("a")});
  EXPECT_EQ(complaintAbout(plan), "");
  EXPECT_EQ(domainAddress(readLibvirtSettings(plan).subnet, 0), "192.168.77.11");
}

TEST(LibvirtKeysTest, BootCommandsOfFileAndNodeAreRun) {
  Setting sets = Setting::map("boot", {Setting("boot", "a")},
                              {Setting("boot", std::vector<std::string>{"second"})}, {});
  ClusterPlan plan =
      planOf({{"boot", sets}},
             {node("a", {{"boot", Setting("boot", std::vector<std::string>{"first"})}})});
  EXPECT_THAT(readLibvirtSettings(plan).nodes[0].boot, ElementsAre("first", "second"));
}

TEST(LibvirtKeysTest, WrongValuesAreRefusedWithWhatWouldBeRight) {
  struct Case {
    std::string key;
    std::string value;
    std::string reason;
  };
  for (const Case& each : std::vector<Case>{{"uri", "lxc+ssh://host/system", "on another machine"},
                                            {"uri", "xen:///system", "wanted: lxc:///system"},
                                            {"subnet", "10.0.0.0/8", "such as 10.78.5.0/24"},
                                            {"subnet", "10.0.0.300.0/24", "such as 10.78.5.0/24"},
                                            {"rootfs", "srv/root", "not an absolute path"},
                                            {"init", "upstart", "systemd"},
                                            {"memory", "much", "such as 512MiB"},
                                            {"memory", "1MiB", "at least 32MiB"},
                                            {"cpus", "0", "from 0.1 to 1024"},
                                            {"cpus", "nan", "from 0.1 to 1024"},
                                            {"cpus", "1e3", "from 0.1 to 1024"}}) {
    ClusterPlan plan = planOf({{each.key, Setting(each.key, each.value)}}, {node("a")});
    EXPECT_THAT(complaintAbout(plan), HasSubstr(each.reason)) << each.key << ": " << each.value;
  }
}

TEST(LibvirtKeysTest, NamesAndNumbersOfNodesHaveBounds) {
  EXPECT_THAT(complaintAbout(planOf({}, {node("a_b")})), HasSubstr("not a host name"));
  EXPECT_THAT(complaintAbout(planOf({}, {})), HasSubstr("no nodes"));
  std::vector<NodePlan> many;
  for (size_t i = 0; i < kDomainsMax; ++i) many.push_back(node("n" + std::to_string(i)));
  EXPECT_EQ(complaintAbout(planOf({}, many)), "");
  EXPECT_EQ(domainAddress("10.78.5", kDomainsMax - 1), "10.78.5.210");
  many.push_back(node("one-more"));
  EXPECT_THAT(complaintAbout(planOf({}, many)), HasSubstr("node one-more: a cluster of this kind"));
}

}  // namespace
}  // namespace harness
