#include "harness/cluster/cluster_file.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cluster/node_expression.h"
#include "harness/cluster/selection.h"

namespace harness {
namespace {

using ::testing::ElementsAre;

constexpr char kGood[] = R"(name: demo
provisioner: local
control: tcp
nodes:
  server[1-3]:
    role: server
    labels: {rack: a, zone: 1}
    boot: [mkdir -p /data]
  client1: {role: client, init: systemd, addresses: [10.77.1.1, "fd77::1:1"]}
boot:
  "@server": [glusterd]
  server1: [gluster peer probe server2]
)";

TEST(ClusterFileTest, ExpandsSetsAndAppliesBootInOrder) {
  ClusterPlan plan = parseClusterFile(kGood, "/x/any.yaml");
  EXPECT_EQ(plan.name, "demo");
  EXPECT_EQ(plan.origin, "/x/any.yaml");
  EXPECT_EQ(plan.control, Control::kTcp);
  ASSERT_EQ(plan.nodes.size(), 4u);
  EXPECT_EQ(plan.nodes[0].name, "server1");
  EXPECT_EQ(plan.nodes[2].role, "server");
  EXPECT_EQ(plan.nodes[1].labels.at("zone"), "1");
  EXPECT_THAT(plan.nodes[0].boot,
              ElementsAre("mkdir -p /data", "glusterd", "gluster peer probe server2"));
  EXPECT_THAT(plan.nodes[1].boot, ElementsAre("mkdir -p /data", "glusterd"));
  EXPECT_EQ(plan.nodes[3].init, Init::kSystemd);
  EXPECT_THAT(plan.nodes[3].addresses, ElementsAre("10.77.1.1", "fd77::1:1"));
}

TEST(ClusterFileTest, NamesTheClusterAfterTheFile) {
  EXPECT_EQ(parseClusterFile("nodes: {a: {role: server}}", "/x/three.yaml").name, "three");
}

TEST(ClusterFileTest, ReadsStaticEndpoints) {
  ClusterPlan plan = parseClusterFile(R"(provisioner: static
nodes:
  s[1-2]: {role: server, address: "127.0.0.[2-3]:7411"}
  s3: {role: server, address: "unix:/run/nodeagent/agent.sock"}
  s4:
    role: server
    address: "tls:[2001:db8::4]:7411"
    tls: {authority: ca.pem, certificate: me.pem, key: /k/me.key}
)",
                                      "/etc/muster/x.yaml");
  ASSERT_EQ(plan.nodes.size(), 4u);
  EXPECT_EQ(plan.nodes[1].endpoint->address, "127.0.0.3");
  EXPECT_EQ(plan.nodes[1].endpoint->port, 7411);
  EXPECT_EQ(plan.nodes[2].endpoint->kind, Endpoint::Kind::kUnix);
  EXPECT_EQ(plan.nodes[3].endpoint->address, "2001:db8::4");
  EXPECT_EQ(plan.nodes[3].endpoint->tls.authority, "/etc/muster/ca.pem");
  EXPECT_EQ(plan.nodes[3].endpoint->tls.key, "/k/me.key");
}

struct Bad {
  const char* text;
  const char* message;
};

constexpr Bad kBad[] = {
    {"", "f.yaml:1:1: the file is empty"},
    {"[a]", "f.yaml:1:1: the file: expected a map and found a list"},
    {"nodes: {a: {role: x}", "f.yaml:1:1: not YAML: end of map flow not found"},
    {"nodes: {}\n---\na: 1", "f.yaml:2:1: a second document; there must be one"},
    {"nods: {}", "f.yaml:1:1: unknown key \"nods\"; did you mean \"nodes\"?"},
    {"name: x\nzzz: 1",
     "f.yaml:2:1: unknown key \"zzz\"; known: name, provisioner, control, nodes, boot, tls"},
    {"name: x", "f.yaml:1:1: the key \"nodes\" is missing: a map of node sets"},
    {"name: a/b\nnodes: {}",
     "f.yaml:1:7: name: \"a/b\" is not at most 32 letters, digits, '-', '_' and '.'"},
    {"nodes: {}", "f.yaml:1:8: nodes: there are none"},
    {"nodes: [a]", "f.yaml:1:8: nodes: expected a map and found a list"},
    {"nodes:\n", "f.yaml:2:1: nodes: expected a map and found nothing"},
    {"provisioner: lokal\nnodes: {a: {role: x}}",
     "f.yaml:1:14: provisioner: there is no \"lokal\"; did you mean \"local\"?"},
    {"provisioner: cloud\nnodes: {a: {role: x}}",
     "f.yaml:1:14: provisioner: there is no \"cloud\"; known: local, static"},
    {"control: tls\nnodes: {a: {role: x}}",
     "f.yaml:1:10: control: there is no \"tls\"; known: unix, tcp"},
    {"nodes:\n  a: {role: x, lables: {}}",
     "f.yaml:2:16: unknown key \"lables\"; did you mean \"labels\"?"},
    {"nodes:\n  a: {role: x, role: y}", "f.yaml:2:16: key \"role\" is here a second time"},
    {"nodes:\n  a: {init: systemd}", "f.yaml:2:6: node set \"a\": the key \"role\" is missing"},
    {"nodes:\n  a: {role: [x]}", "f.yaml:2:13: role: expected text and found a list"},
    {"nodes:\n  a: {role: \"\"}", "f.yaml:2:13: role: expected text and found none"},
    {"nodes:\n  a: {role: a b}",
     "f.yaml:2:13: role: \"a b\" is not a word of letters, digits, '-', '_', '.'"},
    {"nodes:\n  a: {role: x, init: upstart}",
     "f.yaml:2:22: init: there is no \"upstart\"; known: minimal, systemd"},
    {"nodes:\n  a: {role: x, labels: [b]}", "f.yaml:2:24: labels: expected a map and found a list"},
    {"nodes:\n  a: {role: x, boot: glusterd}",
     "f.yaml:2:22: boot: expected a list and found \"glusterd\""},
    {"nodes:\n  a: {role: x, addresses: [10.77.0]}",
     "f.yaml:2:28: addresses: \"10.77.0\" is not an IPv4 or IPv6 address"},
    {"nodes:\n  a[1-2]: {role: x, addresses: [10.77.0.9]}",
     "f.yaml:2:32: addresses belong to one node, and \"a[1-2]\" is 2"},
    {"nodes:\n  a[1-2]: {role: x}\n  a2: {role: x}",
     "f.yaml:3:3: node \"a2\" is here a second time"},
    {"nodes:\n  a[1-: {role: x}", "f.yaml:2:4: node set \"a[1-\": this bracket is never closed"},
    {"nodes:\n  \"a[3-1]\": {role: x}",
     "f.yaml:2:6: node set \"a[3-1]\": the range 3-1 runs backwards"},
    {"nodes:\n  a: {role: x, address: \"127.0.0.1:1\"}",
     "f.yaml:2:16: key \"address\" means nothing with provisioner \"local\""},
    {"nodes: {a: {role: x}}\nboot: {b: [ls]}",
     "f.yaml:2:8: node set \"b\": there is no node \"b\"; did you mean \"a\"?"},
    {"nodes: {a: {role: x}}\nboot: {\"@sever\": [ls]}",
     "f.yaml:2:9: node set \"@sever\": there is no role or label \"@sever\" here"},
    {"provisioner: static\nnodes: {a: {role: x}}",
     "f.yaml:2:9: node set \"a\": the key \"address\" is missing, such as 127.0.0.2:7411"},
    {"provisioner: static\nnodes: {a: {role: x, init: systemd, address: \"127.0.0.1:1\"}}",
     "f.yaml:2:22: key \"init\" means nothing with provisioner \"static\""},
    {"provisioner: static\nnodes: {a: {role: x, address: localhost}}",
     "f.yaml:2:31: address: \"localhost\" is not ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"127.0.0.1:65536\"}}",
     "f.yaml:2:31: address: \"127.0.0.1:65536\" is not ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"10.0.0.5:7411\"}}",
     "f.yaml:2:31: address: 10.0.0.5 is not loopback, so it needs the key \"tls\" with "
     "certificates"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"tls:127.0.0.1:7411\"}}",
     "f.yaml:2:31: address: tls needs the key \"tls\" with certificates"},
    {"provisioner: static\nnodes: {\"a[1-3]\": {role: x, address: \"127.0.0.[1-2]:1\"}}",
     "f.yaml:2:38: address: 2 for 3 nodes; write a set as in 127.0.0.[2-4]:7411"},
    {"provisioner: static\ntls: {authority: a, key: b}\nnodes: {a: {role: x, address: "
     "\"127.0.0.1:1\"}}",
     "f.yaml:2:6: tls: the key \"certificate\" is missing"},
};

TEST(ClusterFileTest, RefusesWithFileLineColumnAndRemedy) {
  for (const Bad& bad : kBad) {
    try {
      parseClusterFile(bad.text, "f.yaml");
      ADD_FAILURE() << "accepted: " << bad.text;
    } catch (const ClusterFileError& error) {
      EXPECT_STREQ(error.what(), bad.message) << bad.text;
    }
  }
}

// Every example that is a cluster file: all but the agent's own configuration.
TEST(ClusterFileTest, ReadsEveryExample) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MUSTER_CONFIG_DIR)) {
    if (entry.path().filename().string().starts_with("nodeagent")) continue;
    ClusterPlan plan = readClusterFile(entry.path());
    EXPECT_EQ(plan.name, entry.path().stem());
    EXPECT_FALSE(plan.nodes.empty()) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 4u);
}

TEST(ClusterFileTest, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT([] { readClusterFile("/nowhere/f.yaml"); },
              ::testing::ThrowsMessage<ClusterFileError>(
                  "/nowhere/f.yaml: cannot be read: No such file or directory"));
  EXPECT_THAT([] { readClusterFile("/"); },
              ::testing::ThrowsMessage<ClusterFileError>("/: is a directory"));
}

TEST(SelectionTest, KeepsTheOrderOfTheCluster) {
  ClusterDescription cluster;
  cluster.nodes = {{"s1", "server", {{"rack", "a"}}, {}, {}},
                   {"s2", "server", {{"rack", "b"}}, {}, {}},
                   {"c1", "client", {}, {}, {}}};
  EXPECT_THAT(selectNodes(cluster, "c1,s[1-2]"), ElementsAre("s1", "s2", "c1"));
  EXPECT_THAT(selectNodes(cluster, "@server!s1"), ElementsAre("s2"));
  EXPECT_THAT(selectNodes(cluster, "@rack=b,@client"), ElementsAre("s2", "c1"));
  EXPECT_THAT(selectNodes(cluster, "@rack"), ElementsAre("s1", "s2"));
  EXPECT_THAT(selectNodes(cluster, "@*"), ElementsAre("s1", "s2", "c1"));
  EXPECT_THAT([&] { selectNodes(cluster, "s1,s9"); },
              ::testing::ThrowsMessage<NodeExpressionError>(
                  "there is no node \"s9\"; did you mean \"s1\"?"));
}

}  // namespace
}  // namespace harness
