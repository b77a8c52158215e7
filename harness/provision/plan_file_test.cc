// Tests cluster files with the keys of all kinds.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/provision/kinds.h"
#include "harness/provision/local/local_keys.h"
#include "harness/provision/programs.h"
#include "harness/provision/static/static_keys.h"

namespace harness {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

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
  ClusterPlan plan = parsePlan(kGood, "/x/any.yaml");
  EXPECT_EQ(plan.name, "demo");
  EXPECT_EQ(plan.origin, "/x/any.yaml");
  ASSERT_EQ(plan.nodes.size(), 4u);
  EXPECT_EQ(plan.nodes[0].name, "server1");
  EXPECT_EQ(plan.nodes[2].role, "server");
  EXPECT_EQ(plan.nodes[1].labels.at("zone"), "1");
  LocalSettings settings = readLocalSettings(plan);
  EXPECT_EQ(settings.control, Control::kTcp);
  EXPECT_THAT(settings.nodes[0].boot,
              ElementsAre("mkdir -p /data", "glusterd", "gluster peer probe server2"));
  EXPECT_THAT(settings.nodes[1].boot, ElementsAre("mkdir -p /data", "glusterd"));
  EXPECT_EQ(settings.nodes[3].init, Init::kSystemd);
  EXPECT_THAT(settings.nodes[3].addresses, ElementsAre("10.77.1.1", "fd77::1:1"));
}

TEST(ClusterFileTest, NamesTheClusterAfterTheFileAndTakesTheDefaultKind) {
  ClusterPlan plan = parsePlan("nodes: {a: {role: server}}", "/x/three.yaml");
  EXPECT_EQ(plan.name, "three");
  EXPECT_EQ(plan.provisioner, defaultKind().name);
}

TEST(ClusterFileTest, ReadsStaticEndpoints) {
  ClusterPlan plan = parsePlan(R"(provisioner: static
tls: {authority: all.pem, certificate: all.pem, key: all.key}
nodes:
  s[1-2]: {role: server, address: "tcp:127.0.0.[2-3]:7411"}
  s3: {role: server, address: "unix:/run/nodeagent/agent.sock"}
  s4:
    role: server
    address: "tls:[2001:db8::4]:7411"
    tls: {authority: ca.pem, certificate: me.pem, key: /k/me.key}
  s5: {role: server, address: "[fe80::1%lo]:7411"}
)",
                               "/etc/muster/x.yaml");
  std::vector<AgentRoute> routes = staticRoutes(plan);
  ASSERT_EQ(routes.size(), 5u);
  EXPECT_EQ(routes[1].endpoint.text(), "tcp:127.0.0.3:7411");
  EXPECT_EQ(routes[1].tls.authority, "");
  EXPECT_EQ(routes[2].endpoint.text(), "unix:/run/nodeagent/agent.sock");
  EXPECT_EQ(routes[3].endpoint.text(), "tls:[2001:db8::4]:7411");
  EXPECT_EQ(routes[3].tls.authority, "/etc/muster/ca.pem");
  EXPECT_EQ(routes[3].tls.key, "/k/me.key");
  EXPECT_EQ(routes[4].endpoint.text(), "tls:[fe80::1%lo]:7411");
  EXPECT_EQ(routes[4].tls.authority, "/etc/muster/all.pem");
}

TEST(ClusterFileTest, HostsMayHaveNames) {
  ClusterPlan plan = parsePlan(R"(provisioner: static
tls: {authority: a, certificate: b, key: c}
nodes:
  s[1-2]: {role: server, address: "node[7-8].lab"}
  s3: {role: server, address: "tls:s3:7500"}
  s4: {role: server, address: "tcp:localhost:7412"}
)",
                               "/etc/muster/x.yaml");
  std::vector<std::string> places;
  for (const AgentRoute& route : staticRoutes(plan)) places.push_back(route.place());
  EXPECT_EQ(places, (std::vector<std::string>{"node7.lab:7411", "node8.lab:7411", "s3:7500",
                                              "localhost:7412"}));
  EXPECT_EQ(staticRoutes(plan)[2].endpoint.transport, support::Transport::kTls);
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
     "f.yaml:2:1: unknown key \"zzz\"; known: name, provisioner, nodes, logs, collect, packages, "
     "control, boot"},
    {"name: x", "f.yaml:1:1: the key \"nodes\" is missing: a map of node sets"},
    {"name: a/b\nnodes: {}",
     "f.yaml:1:7: name: \"a/b\" is not at most 32 letters, digits, '-', '_' and '.'"},
    {"nodes: {}", "f.yaml:1:8: nodes: there are none"},
    {"nodes: [a]", "f.yaml:1:8: nodes: expected a map and found a list"},
    {"nodes:\n", "f.yaml:2:1: nodes: expected a map and found nothing"},
    {"provisioner: lokal\nnodes: {a: {role: x}}",
     "f.yaml:1:14: provisioner: there is no \"lokal\"; did you mean \"local\"?"},
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
     "f.yaml:2:22: init: there is no \"upstart\"; known: minimal, systemd, sysvinit"},
    {"nodes:\n  a: {role: x, capabilities: [sys_time]}",
     "f.yaml:2:31: capabilities: there is no \"sys_time\"; known: mknod"},
    {"nodes:\n  a: {role: x, labels: [b]}", "f.yaml:2:24: labels: expected a map and found a list"},
    {"nodes:\n  a: {role: x, labels: {rack: \"b\xff\"}}",
     "f.yaml:2:31: labels: \"b\\xff\" is not UTF-8"},
    {"nodes:\n  a: {role: x, boot: [ls, \"echo \xff\"]}",
     "f.yaml:2:27: boot: \"echo \\xff\" is not UTF-8; a shell's printf makes other bytes, such as "
     "printf '\\377'"},
    {"nodes: {a: {role: x}}\nboot:\n  a: [\"\xc3(\"]",
     "f.yaml:3:7: boot: \"\\xc3(\" is not UTF-8; a shell's printf makes other bytes, such as "
     "printf '\\377'"},
    {"nodes:\n  a: {role: x, boot: glusterd}",
     "f.yaml:2:22: boot: expected a list and found \"glusterd\""},
    {"nodes:\n  a: {role: x, addresses: [10.77.0]}",
     "f.yaml:2:28: addresses: \"10.77.0\" is not an IPv4 or IPv6 address"},
    {"nodes:\n  a[1-2]: {role: x, addresses: [10.77.0.9]}",
     "f.yaml:2:32: addresses belong to one node, and \"a[1-2]\" is 2"},
    {"nodes:\n  a[1-2]: {role: x}\n  a2: {role: x}",
     "f.yaml:3:3: node \"a2\" is here a second time"},
    {"nodes:\n  a: {role: x}\n  A: {role: x}",
     "f.yaml:3:3: node \"A\" is here a second time, as \"a\""},
    {"nodes: {-x: {role: x}}",
     "f.yaml:1:9: node name \"-x\" does not begin with a letter or digit"},
    {"nodes: {\"[1-2]\": {role: x}}",
     "f.yaml:1:9: node name \"1\" is a number, which resolves to an address; write a letter before "
     "it"},
    {"nodes: {Localhost: {role: x}}",
     "f.yaml:1:9: node name \"Localhost\" is this machine's own on every node"},
    {"nodes: {aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg: {role: x}}",
     "f.yaml:1:9: node name \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg\" "
     "has "
     "64 characters; a host name has at most 63"},
    {"nodes:\n  a[1-: {role: x}", "f.yaml:2:4: node set \"a[1-\": this bracket is never closed"},
    {"nodes:\n  \"a[3-1]\": {role: x}",
     "f.yaml:2:6: node set \"a[3-1]\": the range 3-1 runs backwards"},
    {"nodes:\n  a: {role: x, address: \"127.0.0.1:1\"}",
     "f.yaml:2:16: key \"address\" means nothing with provisioner \"local\""},
    {"nodes: {a: {role: x}}\nboot: {a: {b: c}}", "f.yaml:2:11: a: expected a list and found a map"},
    {"nodes: {a_b: {role: x}}",
     "f.yaml:1:9: node name \"a_b\" is not a host name: letters, digits, '-' and '.'"},
    {"nodes:\n  a: {role: x, addresses: [10.78.0.1]}",
     "f.yaml:2:28: addresses: \"10.78.0.1\" of node a is not on the local network: 10.77.0.0/16 or "
     "fd77::/64"},
    {"nodes:\n  a: {role: x}\n  b: {role: x, addresses: [10.77.0.11]}",
     "f.yaml:3:27: node b: address \"10.77.0.11\" is also another node's"},
    {"tls: {}\nnodes: {a: {role: x}}",
     "f.yaml:1:1: key \"tls\" means nothing with provisioner \"local\""},
    {"nodes: {a: {role: x}}\nboot: {a: [[[[[ls]]]]]}",
     "f.yaml:2:14: a: lists and maps are too deep here"},
    {"nodes: {a: {role: x}}\nboot: {b: [ls]}",
     "f.yaml:2:8: node set \"b\": there is no node \"b\"; did you mean \"a\"?"},
    {"nodes: {a: {role: x}}\nboot: {\"@sever\": [ls]}",
     "f.yaml:2:9: node set \"@sever\": there is no role or label \"@sever\" here"},
    {"provisioner: static\nnodes: {a: {role: x}}",
     "f.yaml:2:9: node set \"a\": the key \"address\" is missing, such as 127.0.0.2:7411"},
    {"provisioner: static\nnodes: {a: {role: x, init: systemd, address: \"127.0.0.1:1\"}}",
     "f.yaml:2:22: key \"init\" means nothing with provisioner \"static\""},
    {"provisioner: static\nnodes: {a: {role: x, address: \"10.0.0\"}}",
     "f.yaml:2:31: address: \"10.0.0\" is neither ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411, nor a host name, such as node7.lab or node7.lab:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"node 7\"}}",
     "f.yaml:2:31: address: \"node 7\" is neither ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411, nor a host name, such as node7.lab or node7.lab:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"node7:port\"}}",
     "f.yaml:2:31: address: \"node7:port\" is neither ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411, nor a host name, such as node7.lab or node7.lab:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"127.0.0.1:65536\"}}",
     "f.yaml:2:31: address: \"127.0.0.1:65536\" is neither ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411, nor a host name, such as node7.lab or node7.lab:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"[fe80::1%nosuch]:7411\"}}",
     "f.yaml:2:31: address: \"[fe80::1%nosuch]:7411\" is neither ADDRESS:PORT, such as "
     "127.0.0.2:7411 or "
     "[::1]:7411, nor a host name, such as node7.lab or node7.lab:7411; behind \"%\" "
     "stands an interface of this machine"},
    {"provisioner: static\nnodes: {a: {role: x, address: node7.lab}}",
     "f.yaml:2:31: address: node7.lab is not loopback, so it needs the key \"tls\" with "
     "certificates"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"10.0.0.5:7411\"}}",
     "f.yaml:2:31: address: 10.0.0.5 is not loopback, so it needs the key \"tls\" with "
     "certificates"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"tls:127.0.0.1:7411\"}}",
     "f.yaml:2:31: address: tls needs the key \"tls\" with certificates"},
    {"provisioner: static\nnodes: {\"a[1-3]\": {role: x, address: \"127.0.0.[1-2]:1\"}}",
     "f.yaml:2:38: address: 2 for 3 nodes; write a set as in 127.0.0.[2-4]:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"unix:agent.sock\"}}",
     "f.yaml:2:31: address: has path \"agent.sock\"; it must be absolute and have less than 108 "
     "bytes"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"127.0.0.1:0\"}}",
     "f.yaml:2:31: address: \"127.0.0.1:0\" is neither ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411, nor a host name, such as node7.lab or node7.lab:7411"},
    {"provisioner: static\nnodes: {a: {role: x, address: \"node7:0\"}}",
     "f.yaml:2:31: address: \"node7:0\" is neither ADDRESS:PORT, such as 127.0.0.2:7411 or "
     "[::1]:7411, nor a host name, such as node7.lab or node7.lab:7411"},
    {"provisioner: static\ntls: {authority: a, key: b}\nnodes: {a: {role: x, address: "
     "\"127.0.0.1:1\"}}",
     "f.yaml:2:6: tls: the key \"certificate\" is missing"},
};

TEST(ClusterFileTest, RefusesWithFileLineColumnAndRemedy) {
  for (const Bad& bad : kBad) {
    try {
      parsePlan(bad.text, "f.yaml");
      ADD_FAILURE() << "accepted: " << bad.text;
    } catch (const ClusterFileError& error) {
      EXPECT_STREQ(error.what(), bad.message) << bad.text;
    }
  }
}

// Those that are programs follow, and which they are depends on what is built.
TEST(ClusterFileTest, NamesTheKindsThatThereAreForOneThatIsNot) {
  try {
    parsePlan("provisioner: cloud\nnodes: {a: {role: x}}", "f.yaml");
    ADD_FAILURE() << "accepted";
  } catch (const ClusterFileError& error) {
    EXPECT_THAT(error.what(), StartsWith("f.yaml:1:14: provisioner: there is no \"cloud\"; known: "
                                         "local, static"));
  }
}

// All examples but the agent's own configuration are cluster files.
TEST(ClusterFileTest, ReadsEveryExample) {
  ::setenv("MUSTER_PROVISIONERS", MUSTER_CONFIG_DIR "/provisioners", 1);
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MUSTER_CONFIG_DIR)) {
    bool isAgents = entry.path().filename().string().starts_with("nodeagent");
    if (isAgents || entry.path().extension() != ".yaml") continue;
    // The build leaves this kind out where libvirt-dev is missing.
    bool isLibvirts = entry.path().filename().string().starts_with("libvirt");
    if (isLibvirts && findProgram("muster-provisioner-libvirt").empty()) continue;
    ClusterPlan plan = readPlan(entry.path());
    EXPECT_EQ(plan.name, entry.path().stem());
    EXPECT_FALSE(plan.nodes.empty()) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 6u);
}

// An alias costs two bytes of the file, and stands for a value as large as any.
TEST(ClusterFileTest, AliasesCannotMultiplyValuesWithoutEnd) {
  std::string many = "[";
  for (int i = 0; i < 400; ++i) many += "*x,";
  std::string text = "nodes: {a: {role: x, boot: [&x ls]}}\nboot:\n";
  for (int i = 0; i < 400; ++i) text += "  k" + std::to_string(i) + ": " + many + "]\n";
  EXPECT_THAT(
      [&] { parsePlan(text, "f.yaml"); },
      ::testing::ThrowsMessage<ClusterFileError>(::testing::HasSubstr("more than 100000 values")));
}

TEST(ClusterFileTest, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT([] { readPlan("/nowhere/f.yaml"); },
              ::testing::ThrowsMessage<ClusterFileError>(
                  "/nowhere/f.yaml: cannot be read: No such file or directory"));
  EXPECT_THAT([] { readPlan("/"); },
              ::testing::ThrowsMessage<ClusterFileError>("/: is a directory"));
}

TEST(ClusterFileTest, ReadsRegularFilesOnlyThatNotEverybodyMayWrite) {
  char pattern[] = "/tmp/muster-plan-XXXXXX";
  std::filesystem::path directory = ::mkdtemp(pattern);
  auto refuses = [](const std::string& path, const std::string& why) {
    EXPECT_THAT([&path] { readPlan(path); }, ::testing::ThrowsMessage<ClusterFileError>(
                                                 ::testing::StartsWith(path + ": " + why)));
  };
  std::string pipe = directory / "pipe.yaml";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  refuses(pipe, "is not a regular file");
  refuses("/dev/zero", "is not a regular file");
  std::string large = directory / "large.yaml";
  std::ofstream(large) << "nodes: {a: {role: x}}\n" << std::string(1 << 20, '\n');
  refuses(large, "is larger than 1 MiB");
  std::filesystem::resize_file(large, 22);
  EXPECT_EQ(readPlan(large).nodes.size(), 1u);
  ::chmod(large.c_str(), 0666);
  refuses(large, "everybody may write it");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace harness
