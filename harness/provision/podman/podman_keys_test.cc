// Tests the keys of cluster files whose nodes are containers.
#include "harness/provision/podman/podman_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cluster/cluster_file.h"

namespace harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

ClusterPlan parsed(const std::string& text) {
  static const KindKeys kPodman = podmanKeys();
  return parseClusterFile(text, "f.yaml", {{&kPodman}});
}

// Returns the error of a file whose only node has these keys beside its role.
std::string refusal(const std::string& keys, const std::string& ofFile = "rootfs: /") {
  try {
    parsed(ofFile + "\nnodes: {a: {role: x, " + keys + "}}");
    return "";
  } catch (const ClusterFileError& error) {
    return error.what();
  }
}

TEST(PodmanKeysTest, NodesHaveTheFilesSettingsUnlessTheyHaveTheirOwn) {
  PodmanSettings settings = readPodmanSettings(parsed(R"(image: debian:12
memory: 512MiB
environment: {A: one, B: two}
boot: {"@server": [touch /ready]}
nodes:
  s1: {role: server, memory: 1GiB, cpus: 1.5, pids: 200, boot: [mkdir /data], ports: ["8080:80"]}
  c[1-2]: {role: client, rootfs: /srv/root, init: systemd, environment: {C: x}, ports: [80]}
)"));
  ASSERT_EQ(settings.nodes.size(), 3u);
  const PodmanNodeSettings& server = settings.nodes[0];
  EXPECT_EQ(server.image, "debian:12");
  EXPECT_EQ(server.memoryBytes, 1u << 30);
  EXPECT_EQ(server.cpus, "1.5");
  EXPECT_EQ(server.pids, 200u);
  EXPECT_THAT(server.boot, ElementsAre("mkdir /data", "touch /ready"));
  EXPECT_THAT(server.environment, ElementsAre(Pair("A", "one"), Pair("B", "two")));
  const PodmanNodeSettings& client = settings.nodes[2];
  EXPECT_EQ(client.image, "");
  EXPECT_EQ(client.rootfs, "/srv/root");
  EXPECT_EQ(client.init, ContainerInit::kSystemd);
  EXPECT_EQ(client.memoryBytes, 512u << 20);
  EXPECT_THAT(client.environment, ElementsAre(Pair("C", "x")));
  EXPECT_THAT(client.ports, ElementsAre("80"));
}

TEST(PodmanKeysTest, NothingIsPulledUnlessTheFileSaysSo) {
  EXPECT_EQ(readPodmanSettings(parsed("image: a\nnodes: {a: {role: x}}")).pull, Pull::kNever);
  EXPECT_EQ(readPodmanSettings(parsed("image: a\npull: missing\nnodes: {a: {role: x}}")).pull,
            Pull::kMissing);
  EXPECT_THAT(refusal("boot: []", "rootfs: /\npull: always"), HasSubstr("f.yaml:2:7: "));
}

TEST(PodmanKeysTest, ValuesThatCannotBeAreRefusedWithTheirPlace) {
  for (const char* keys : {"image: -v",
                           "image: \"a b\"",
                           "rootfs: debian",
                           "rootfs: \"/a:b\"",
                           "memory: much",
                           "memory: 1MiB",
                           "cpus: 0",
                           "cpus: two",
                           "pids: 3",
                           "pids: -1",
                           "volumes: [/a]",
                           "volumes: [\"/a:b\"]",
                           "volumes: [\"/a:/etc/nodeagent\"]",
                           "ports: [http]",
                           "ports: [\"0:80\"]",
                           "ports: [\"1:2:3:4\"]",
                           "ports: [70000]",
                           "capabilities: [sys_time]",
                           "capabilities: [mknode]",
                           "environment: {\"A=B\": c}",
                           "environment: [A]"}) {
    EXPECT_THAT(refusal(keys), HasSubstr("f.yaml:2:")) << keys;
  }
  for (const char* name : {"host", "none", "-x", "a/b"}) {
    EXPECT_THAT(refusal("boot: []", "rootfs: /\nnetwork: " + std::string(name)),
                HasSubstr("f.yaml:2:10: network: "))
        << name;
  }
}

TEST(PodmanKeysTest, ValuesThatCanBeAreTaken) {
  for (const char* keys : {"image: \"quay.io:443/a/b_c@sha256:0123\"", "rootfs: /srv/a-b",
                           "memory: 64 MiB", "cpus: 0.5", "volumes: [\"/a:/b:ro\", \"data:/data\"]",
                           "ports: [80, \"8080:80/udp\", \"127.0.0.1:8081:80\"]",
                           "capabilities: [mknod, sys_admin]", "environment: {LANG: C.UTF-8}"}) {
    EXPECT_THAT(
        refusal(keys, "pull: never\n" + std::string(std::string(keys).starts_with("image") ||
                                                            std::string(keys).starts_with("rootfs")
                                                        ? ""
                                                        : "rootfs: /")),
        IsEmpty())
        << keys;
  }
}

TEST(PodmanKeysTest, EachNodeHasOneRoot) {
  EXPECT_THAT(refusal("boot: []", "pull: never"), HasSubstr("node a: it needs an image"));
  EXPECT_THAT(refusal("image: a, rootfs: /"), HasSubstr("node a: it has an image and a rootfs"));
  EXPECT_THAT(refusal("boot: []", "image: a\nrootfs: /"), HasSubstr("f.yaml:2:9: the file has"));
  EXPECT_THAT(refusal("image: a"), IsEmpty()) << "the node's own counts";
}

TEST(PodmanKeysTest, PortsOfTheMachineBelongToOneNode) {
  auto error = [](const std::string& nodes) {
    try {
      parsed("rootfs: /\nnodes: {" + nodes + "}");
      return std::string();
    } catch (const ClusterFileError& problem) {
      return std::string(problem.what());
    }
  };
  EXPECT_THAT(error("\"a[1-2]\": {role: x, ports: [\"8080:80\"]}"), HasSubstr("\"a[1-2]\" is 2"));
  EXPECT_THAT(error("a: {role: x, ports: [\"8080:80\"]}, b: {role: x, ports: [\"8080:81\"]}"),
              HasSubstr("is also another node's"));
  EXPECT_THAT(error("a: {role: x, ports: [\"80:80\"]}, b: {role: x, ports: [\"80:80/udp\"]}"),
              IsEmpty());
}

}  // namespace
}  // namespace harness
