#include "harness/provision/local/local_plan.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cluster/description_json.h"
#include "harness/provision/local/machine.h"

namespace harness {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

ClusterPlan planOfNodes(size_t count) {
  ClusterPlan plan;
  plan.name = "demo";
  plan.provisioner = "local";
  for (size_t i = 1; i <= count; ++i) {
    NodePlan node;
    node.name = "n" + std::to_string(i);
    node.role = "server";
    plan.nodes.push_back(node);
  }
  return plan;
}

Setting addresses(const std::string& address) {
  return Setting("addresses", std::vector<std::string>{address});
}

const FileSpec& fileOf(const std::vector<FileSpec>& files, const std::string& path) {
  auto found = std::find_if(files.begin(), files.end(),
                            [&path](const FileSpec& file) { return file.path == path; });
  if (found == files.end()) throw std::out_of_range(path);
  return *found;
}

TEST(LocalPlanTest, GivesEveryNodeAddressesNamesAndACertificate) {
  LocalPlan local = composeLocal(planOfNodes(201), "/opt/nodeagent");
  EXPECT_THAT(local.description.nodes[0].addresses, ElementsAre("10.77.0.11", "fd77::11"));
  EXPECT_THAT(local.description.nodes[200].addresses, ElementsAre("10.77.1.11", "fd77::1:11"));
  EXPECT_EQ(local.description.nodes[0].route.endpoint.path(), "/run/muster/demo/n/n1/agent.sock");
  EXPECT_THAT(fileOf(local.hub.files, "/etc/hosts").content, HasSubstr("fd77::1:11 n201\n"));
  const NodeSpec& node = local.hub.nodes[0];
  EXPECT_THAT(node.addresses, ElementsAre("10.77.0.11/16", "fd77::11/64"));
  EXPECT_EQ(fileOf(node.files, "/etc/nodeagent/tls/node.key").mode, 0600u);
  EXPECT_THAT(fileOf(node.files, "/etc/nodeagent/nodeagent.yaml").content,
              HasSubstr("\"tls:[fd77::11]:7411\""));
  EXPECT_EQ(fileOf(local.hub.hostFiles, "tls/admin.key").mode, 0600u);
}

TEST(LocalPlanTest, DescriptionThatTheHubKeepsIsReadBackTheSame) {
  ClusterPlan plan = planOfNodes(2);
  plan.nodes[1].settings["addresses"] = addresses("fd77::9");
  plan.settings["control"] = Setting("control", "tcp");
  LocalPlan local = composeLocal(plan, "/opt/nodeagent");
  HubSpec kept = hubSpecFromJson(toJson(local.hub));
  ClusterDescription read = descriptionFromJson(kept.description);
  EXPECT_EQ(toJson(read), toJson(local.description));
  EXPECT_EQ(read.nodes[1].route.endpoint.text(), "tls:[fd77::9]:7411");
}

TEST(LocalPlanTest, FieldsThatAnEarlierCallerDoesNotSendHaveTheirDefaults) {
  HubSpec spec = hubSpecFromJson(R"({"cluster": "demo", "nodes": [{"name": "n1"}]})");
  EXPECT_EQ(spec.readySeconds, HubSpec().readySeconds);
  EXPECT_TRUE(spec.plan.is_null());
  EXPECT_EQ(spec.nodes.at(0).name, "n1");
}

TEST(LocalPlanTest, ReachesNodesByTlsFromTheHubsNetwork) {
  ClusterPlan plan = planOfNodes(1);
  plan.settings["control"] = Setting("control", "tcp");
  LocalPlan local = composeLocal(plan, "/opt/nodeagent");
  completeDescription(local.description, 42);
  const AgentRoute& route = local.description.nodes[0].route;
  EXPECT_EQ(route.endpoint.text(), "tls:10.77.0.11:7411");
  EXPECT_EQ(route.networkNamespace, "/proc/42/ns/net");
  EXPECT_EQ(route.tls.authority, "/run/muster/demo/tls/ca.pem");
}

TEST(LocalPlanTest, RefusesWhatCannotBe) {
  auto refuses = [](auto change, const std::string& text) {
    ClusterPlan plan = planOfNodes(2);
    change(plan);
    EXPECT_THAT([&] { composeLocal(plan, "/opt/nodeagent"); },
                ThrowsMessage<ClusterFileError>(HasSubstr(text)));
  };
  refuses([](ClusterPlan& plan) { plan.name = "a/b"; }, "cluster name \"a/b\"");
  refuses([](ClusterPlan& plan) { plan.nodes.clear(); }, "has no nodes");
  refuses([](ClusterPlan& plan) { plan.nodes[0].name = "a_b"; }, "\"a_b\" is not a host name");
  refuses(
      [](ClusterPlan& plan) {
        plan.name = std::string(32, 'c');
        plan.nodes[0].name = std::string(63, 'x');
      },
      "too long together");
  refuses([](ClusterPlan& plan) { plan.nodes[1].settings["addresses"] = addresses("10.78.0.1"); },
          "\"10.78.0.1\" of node n2 is not on the local network");
  refuses([](ClusterPlan& plan) { plan.nodes[1].settings["addresses"] = addresses("10.77.0.1"); },
          "that of the network's hub");
  refuses([](ClusterPlan& plan) { plan.nodes[1].settings["addresses"] = addresses("10.77.0.11"); },
          "is also another node's");
}

TEST(MachineTest, NamesEverythingThatIsMissing) {
  Examination report = examineMachine(planOfNodes(1), "", "");
  EXPECT_THAT(report.missing, Contains(StartsWith("the program muster-hub in $MUSTER_BIN_DIR")));
  EXPECT_THAT(report.missing, Contains(StartsWith("the program nodeagent in $MUSTER_BIN_DIR")));
  EXPECT_THAT(examineMachine(planOfNodes(1001), "/h", "/a").missing,
              Contains(HasSubstr("a local cluster has at most 1000")));
}

TEST(MachineTest, NamesRootWhereItIsMissing) {
  pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
    std::vector<std::string> missing = examineMachine(planOfNodes(1), "/h", "/a").missing;
    ::_exit(!missing.empty() && missing[0].starts_with("root: this is user ") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace harness
