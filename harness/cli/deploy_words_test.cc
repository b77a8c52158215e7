#include "harness/cli/deploy_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

std::string fileOf(const std::vector<std::string>& hosts) {
  return deployFile({.hosts = hosts, .cluster = "lab", .role = "server"});
}

TEST(DeployWordsTest, NodesAreNamedAfterTheirHosts) {
  EXPECT_THAT(
      fileOf({"node[1-2].lab", "10.0.0.5", "tester@gate.lab"}),
      AllOf(HasSubstr("name: \"lab\"\nprovisioner: ssh\npersistent: true\nnodes:\n"),
            HasSubstr("  \"node1\": {role: \"server\", host: \"node1.lab\"}\n"),
            HasSubstr("  \"node3\": {role: \"server\", host: \"10.0.0.5\"}\n"),
            HasSubstr("  \"gate\": {role: \"server\", host: \"gate.lab\", user: \"tester\"}\n")));
}

TEST(DeployWordsTest, HostsOfOneFirstPartHaveTheirWholeNames) {
  EXPECT_THAT(fileOf({"a.lab", "a.farm"}),
              AllOf(HasSubstr("\"a.lab\": {"), HasSubstr("\"a.farm\": {")));
}

TEST(DeployWordsTest, WhatSshNeedsStandsOnceInTheFile) {
  EXPECT_THAT(deployFile({.hosts = {"a"},
                          .cluster = "lab",
                          .role = "x",
                          .user = "root",
                          .jump = "gate",
                          .identity = "/keys/id"}),
              HasSubstr("user: \"root\"\njump: \"gate\"\nidentity: \"/keys/id\"\n"));
  EXPECT_THAT(fileOf({"a"}), Not(HasSubstr("user:")));
}

TEST(DeployWordsTest, WrongHostsAreNamed) {
  EXPECT_THAT(
      [] {
        fileOf({"a", "a"});
      },
      ThrowsMessage<CommandError>(HasSubstr("host \"a\": is named twice")));
  EXPECT_THAT([] { fileOf({"n[1-"}); }, ThrowsMessage<CommandError>(HasSubstr("host \"n[1-\": ")));
}

}  // namespace
}  // namespace harness
