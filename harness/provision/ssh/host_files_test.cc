#include "harness/provision/ssh/host_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/provision/ssh/agent_program.h"
#include "harness/provision/ssh/host_node.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const HostPlace kPlace{"0123456789abcdef", "/opt/m/nodes/0123456789abcdef",
                       "/run/muster-agent-0123456789abcdef", true};
const AgentOwner kOwner{"build7-1", "web"};

SshNode node() {
  SshNode node;
  node.name = "server1";
  node.agentPort = 7500;
  return node;
}

TEST(HostFilesTest, UnitRunsTheAgentInItsOwnDirectory) {
  EXPECT_THAT(unitFor(node(), kPlace, kOwner),
              AllOf(HasSubstr("\nExecStart=/opt/m/nodes/0123456789abcdef/nodeagent --config="),
                    HasSubstr("\nRuntimeDirectory=muster-agent-0123456789abcdef\n"),
                    HasSubstr("node server1 of cluster web"), HasSubstr("Restart=always"),
                    Not(HasSubstr("/usr/bin/nodeagent")), Not(HasSubstr("EnvironmentFile"))));
}

TEST(HostFilesTest, InitScriptRunsTheAgentInItsOwnDirectory) {
  EXPECT_THAT(initScriptFor(kPlace),
              AllOf(HasSubstr("\nDAEMON=/opt/m/nodes/0123456789abcdef/nodeagent\n"),
                    HasSubstr("\nPIDFILE=/opt/m/nodes/0123456789abcdef/pid\n"),
                    HasSubstr("Provides:          muster-agent-0123456789abcdef\n"),
                    Not(HasSubstr("/usr/bin/nodeagent")), Not(HasSubstr("/etc/default"))));
}

TEST(HostFilesTest, AgentListensOnLoopbackWhereControlGoesThroughSsh) {
  std::vector<AgentFile> certificates = {
      {"/x/ca.pem", "A", 0644}, {"/x/node.pem", "B", 0644}, {"/x/node.key", "C", 0600}};
  SshNode direct = node();
  EXPECT_THAT(hostFiles(direct, kPlace, kOwner, certificates)[0].content,
              AllOf(HasSubstr("\"tls:0.0.0.0:7500\""), HasSubstr("\"tls:[::]:7500\"")));
  direct.control = ControlWay::kSsh;
  auto files = hostFiles(direct, kPlace, kOwner, certificates);
  EXPECT_THAT(files[0].content,
              AllOf(HasSubstr("\"tls:127.0.0.1:7500\""), Not(HasSubstr("0.0.0.0"))));
  EXPECT_EQ(files[3].path, "node.key");
  EXPECT_EQ(files[3].mode, 0600u);
}

TEST(HostFilesTest, AgentsOfAHostHaveDifferentKeys) {
  EXPECT_EQ(keyOfAgent(kOwner, "a"), keyOfAgent(kOwner, "a"));
  EXPECT_NE(keyOfAgent(kOwner, "a"), keyOfAgent(kOwner, "b"));
  EXPECT_NE(keyOfAgent(kOwner, "a"), keyOfAgent({"other", "web"}, "a"));
}

TEST(AgentProgramTest, MachineIsThatOfTheHeader) {
  std::string header(200, '\0');
  header.replace(0, 6, std::string("\177ELF\2\1", 6));
  header[18] = 62;
  EXPECT_EQ(elfMachine(header), "x86_64");
  header[18] = static_cast<char>(183);
  EXPECT_EQ(elfMachine(header), "aarch64");
  header[5] = 2;
  header[18] = 0;
  header[19] = 22;
  EXPECT_EQ(elfMachine(header), "s390x");
  EXPECT_EQ(elfMachine("#!/bin/sh\n"), "");
}

TEST(AgentProgramTest, DigestIsThatOfSha256) {
  EXPECT_EQ(sha256Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace harness
