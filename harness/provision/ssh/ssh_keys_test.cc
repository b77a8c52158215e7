#include "harness/provision/ssh/ssh_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cluster/cluster_file.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<SshNode> read(const std::string& text) {
  static const KindKeys kKeys = sshKeys();
  return sshNodes(
      parseClusterFile("provisioner: ssh\n" + text, "/lab/hosts.yaml", {.known = {&kKeys}}));
}

TEST(SshKeysTest, SetOfHostsIsSpreadOverItsNodes) {
  auto nodes = read("nodes: {\"n[1-3]\": {role: x, host: \"node[5-7].lab\"}}");
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0].host.host, "node5.lab");
  EXPECT_EQ(nodes[2].host.host, "node7.lab");
  EXPECT_EQ(nodes[0].agentPort, 7411);
  EXPECT_EQ(nodes[0].start, "auto");
}

TEST(SshKeysTest, NodeHasTheFilesKeysUnlessItHasItsOwn) {
  auto nodes = read(
      "user: tester\nport: 2222\nsudo: true\npersistent: true\ncontrol: ssh\n"
      "nodes: {a: {role: x, host: h1}, b: {role: x, host: h2, user: root, sudo: false}}");
  EXPECT_EQ(nodes[0].host.user, "tester");
  EXPECT_EQ(nodes[0].host.port, 2222);
  EXPECT_TRUE(nodes[0].host.usesSudo);
  EXPECT_TRUE(nodes[0].isPersistent);
  EXPECT_EQ(nodes[0].control, ControlWay::kSsh);
  EXPECT_EQ(nodes[1].host.user, "root");
  EXPECT_FALSE(nodes[1].host.usesSudo);
}

TEST(SshKeysTest, PathsBeginInTheDirectoryOfTheFile) {
  auto nodes = read("config: ssh/config\nidentity: /keys/id\nnodes: {a: {role: x, host: h}}");
  EXPECT_EQ(nodes[0].host.config, "/lab/ssh/config");
  EXPECT_EQ(nodes[0].host.identity, "/keys/id");
}

TEST(SshKeysTest, ExampleIsRead) {
  KindKeys keys = sshKeys();
  auto nodes = sshNodes(readClusterFile(MUSTER_CONFIG_DIR "/ssh.yaml", {.known = {&keys}}));
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[1].host.host, "node2.lab");
  EXPECT_EQ(nodes[2].host.jump, "gate.lab");
  EXPECT_EQ(nodes[2].control, ControlWay::kSsh);
}

// An option or a shell's word must not reach ssh's command line.
TEST(SshKeysTest, WordsThatSshWouldReadOtherwiseAreRefused) {
  for (const char* host : {"-oProxyCommand=x", "a b", "$(id)", "a;b", "\\\"a\\\"", "`id`"}) {
    EXPECT_THAT([&] { read("nodes: {a: {role: x, host: \"" + std::string(host) + "\"}}"); },
                ThrowsMessage<ClusterFileError>(HasSubstr("/lab/hosts.yaml:2:28: host: ")))
        << host;
  }
  EXPECT_THROW(read("user: -l\nnodes: {a: {role: x, host: h}}"), ClusterFileError);
  EXPECT_THROW(read("jump: \"-J x\"\nnodes: {a: {role: x, host: h}}"), ClusterFileError);
}

TEST(SshKeysTest, DirectoryIsAPlainAbsolutePath) {
  for (const char* directory : {"muster", "/", "/a/../b", "/a b", "/a/'b", "/a/"}) {
    EXPECT_THROW(
        read("directory: \"" + std::string(directory) + "\"\nnodes: {a: {role: x, host: h}}"),
        ClusterFileError)
        << directory;
  }
  EXPECT_EQ(read("directory: /opt/muster\nnodes: {a: {role: x, host: h}}")[0].directory,
            "/opt/muster");
}

TEST(SshKeysTest, TwoAgentsOfAHostNeedTwoPorts) {
  EXPECT_THAT([] { read("nodes: {a: {role: x, host: h}, b: {role: x, host: h}}"); },
              ThrowsMessage<ClusterFileError>(
                  AllOf(HasSubstr("that of node a"), HasSubstr("\"agent_port\""))));
  EXPECT_EQ(read("nodes: {a: {role: x, host: h}, b: {role: x, host: h, agent_port: 7412}}").size(),
            2u);
}

}  // namespace
}  // namespace harness
