#include "harness/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command.h"

namespace harness {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class FixedSource final : public CompletionSource {
 public:
  std::vector<std::string> clusters() override { return {"local", "lab"}; }
  std::vector<std::string> nodeSets(const std::string& choice) override {
    asked = choice;
    return {"server1", "server2", "client1", "@server"};
  }
  std::vector<std::string> jobs(const std::string&) override { return {"3fa91c20.7"}; }
  std::vector<std::string> runs(const std::string&) override { return {"r1", "r2"}; }
  std::vector<std::string> faults(const std::string&) override { return {"0a1b2c3d"}; }
  std::vector<std::string> changes(const std::string&) override { return {"4e5f6a7b"}; }
  std::vector<std::string> components() override { return {"example", "storage"}; }
  std::vector<std::string> storedRuns() override { return {"20261201T0245", "latest"}; }
  std::vector<std::string> storedTests() override { return {"kvd/KvTest.Heals"}; }
  std::vector<std::string> tests(const std::string& prefix) override {
    return prefix.find('/') == std::string::npos
               ? components()
               : std::vector<std::string>{"storage/A", "storage/A.B"};
  }
  std::vector<std::string> paths(const std::string&, const std::string& suffix) override {
    return {"config/", "local" + suffix};
  }

  std::string asked;
};

class CompletionTest : public testing::Test {
 protected:
  std::vector<std::string> at(const std::string& line) { return complete(line, source_); }
  FixedSource source_;
};

TEST_F(CompletionTest, CommandsAreThoseOfTheTable) {
  EXPECT_THAT(at("muster no"), ElementsAre("nodes"));
  EXPECT_THAT(at("muster "), Contains("completion"));
  EXPECT_THAT(at("mus"), IsEmpty());
  EXPECT_THAT(at("muster nonsense "), IsEmpty());
}

TEST_F(CompletionTest, OptionsAreThoseOfTheParser) {
  EXPECT_THAT(at("muster exec --t"), ElementsAre("--timeout"));
  EXPECT_THAT(at("muster kill --"), Contains("--grace"));
  EXPECT_THAT(at("muster nodes --"), Not(Contains("--grace")));
  for (const Command* command : commands()) {
    EXPECT_THAT(at("muster " + std::string(command->name) + " --h"), Contains("--help"));
    for (const Option* option : command->options()) {
      EXPECT_THAT(at("muster " + std::string(command->name) + " --"), Contains(option->spelling()));
    }
  }
}

TEST_F(CompletionTest, RunsAndTestsAreThoseOfTheDirectory) {
  EXPECT_THAT(at("muster show 2026"), ElementsAre("20261201T0245"));
  EXPECT_THAT(at("muster show latest "), ElementsAre("kvd/KvTest.Heals"));
  EXPECT_THAT(at("muster history k"), ElementsAre("kvd/KvTest.Heals"));
  EXPECT_THAT(at("muster runs --pin=l"), ElementsAre("--pin=latest"));
}

TEST_F(CompletionTest, ReportsHaveRunsAndFormats) {
  EXPECT_THAT(at("muster report 2026"), ElementsAre("20261201T0245"));
  EXPECT_THAT(at("muster diff latest "), Contains("latest"));
  EXPECT_THAT(at("muster diff conf"), ElementsAre("config/"));
  EXPECT_THAT(at("muster report --format=j"), ElementsAre("--format=json", "--format=junit"));
}

TEST_F(CompletionTest, FaultsHaveKindsNodesAndIds) {
  EXPECT_THAT(at("muster fault "), ElementsAre("add", "heal", "list"));
  EXPECT_THAT(
      at("muster fault add "),
      ElementsAre("bridge", "cpu", "degrade", "descriptors", "disk", "down", "full", "isolate",
                  "kill", "memory", "one-way", "partition", "pause", "read-only", "ring"));
  EXPECT_THAT(at("muster nemesis "), ElementsAre("draw", "show", "shrink"));
  EXPECT_THAT(at("muster nemesis draw "), ElementsAre("gentle", "rough"));
  EXPECT_THAT(at("muster nemesis draw --without=fr"), ElementsAre("--without=freeze"));
  EXPECT_THAT(at("muster fault add partition server1 / cl"), ElementsAre("client1"));
  EXPECT_THAT(at("muster fault heal "), ElementsAre("0a1b2c3d"));
  EXPECT_THAT(at("muster change "), ElementsAre("hold", "list", "undo"));
  EXPECT_THAT(at("muster change hold cl"), ElementsAre("client1"));
  EXPECT_THAT(at("muster change hold client1 t"), ElementsAre("tmpfs"));
  EXPECT_THAT(at("muster change undo "), ElementsAre("4e5f6a7b"));
}

TEST_F(CompletionTest, ServicesAndWaitsHaveNodesFirst) {
  EXPECT_THAT(at("muster service re"), ElementsAre("reload", "reset-failed", "restart"));
  EXPECT_THAT(at("muster service start cl"), ElementsAre("client1"));
  EXPECT_THAT(at("muster service start client1 c"), IsEmpty());
  EXPECT_THAT(at("muster wait cl"), ElementsAre("client1"));
  EXPECT_THAT(at("muster wait client1 p"), ElementsAre("port", "process"));
  EXPECT_THAT(at("muster wait client1 port "), IsEmpty());
  EXPECT_THAT(at("muster http cl"), ElementsAre("client1"));
}

TEST_F(CompletionTest, ValuesBelongToTheirOption) {
  EXPECT_THAT(at("muster nodes --cluster l"), ElementsAre("lab", "local", "local.yaml"));
  EXPECT_THAT(at("muster nodes --cluster=la"), ElementsAre("--cluster=lab"));
  EXPECT_THAT(at("muster kill --run-id "), ElementsAre("r1", "r2"));
  EXPECT_THAT(at("muster pki sign n1 --request "), ElementsAre("config/", "local"));
  EXPECT_THAT(at("muster run --report-dir "), ElementsAre("config/", "local/"));
  EXPECT_THAT(at("muster exec -t "), IsEmpty());
}

TEST_F(CompletionTest, OptionsMayStandBeforeTheCommand) {
  EXPECT_THAT(at("muster --cluster la"), ElementsAre("lab"));
  EXPECT_THAT(at("muster --cluster lab no"), ElementsAre("nodes"));
  EXPECT_THAT(at("muster --cluster lab nodes server1"), ElementsAre("server1"));
  EXPECT_EQ(source_.asked, "lab");
  EXPECT_THAT(at("muster --vers"), ElementsAre("--version"));
}

TEST_F(CompletionTest, ActionsOfAGroupAreOfferedBehindIt) {
  EXPECT_THAT(at("muster pki rev"), ElementsAre("revoke", "revoke-token"));
  EXPECT_THAT(at("muster pki --dir ~/pki tok"), ElementsAre("token", "tokens"));
  EXPECT_THAT(at("muster pki token --v"), ElementsAre("--valid"));
  EXPECT_THAT(at("muster help pki se"), ElementsAre("serve"));
}

TEST_F(CompletionTest, OldSpellingsAreNotOffered) {
  EXPECT_THAT(at("muster ps --pat"), IsEmpty());
  EXPECT_THAT(at("muster pki with"), IsEmpty());
}

TEST_F(CompletionTest, NodeSetsAreThoseOfTheClusterThatWasNamed) {
  EXPECT_THAT(at("muster exec --cluster lab ser"), ElementsAre("server1", "server2"));
  EXPECT_EQ(source_.asked, "lab");
  EXPECT_THAT(at("muster exec server1,c"), ElementsAre("server1,client1"));
  EXPECT_EQ(source_.asked, "");
  EXPECT_THAT(at("muster exec server1 -- l"), IsEmpty());
}

TEST_F(CompletionTest, EveryCommandKnowsItsWords) {
  EXPECT_THAT(at("muster up "), ElementsAre("config/", "local.yaml"));
  EXPECT_THAT(at("muster down la"), ElementsAre("lab"));
  EXPECT_THAT(at("muster run s"), ElementsAre("storage"));
  EXPECT_THAT(at("muster kill 3"), ElementsAre("3fa91c20.7"));
  EXPECT_THAT(at("muster cp server1"), ElementsAre("server1:/"));
  EXPECT_THAT(at("muster completion z"), ElementsAre("zsh"));
}

TEST_F(CompletionTest, WhatTheShellHasAlreadyIsNotSaidAgain) {
  std::string line = "muster nodes --cluster=la";
  EXPECT_THAT(behindBreaks(at(line), line, " =:@"), ElementsAre("lab"));
  EXPECT_THAT(behindBreaks({"@server"}, "muster exec @s", "@"), ElementsAre("server"));
  EXPECT_THAT(behindBreaks({"@server"}, "muster exec @s", ""), ElementsAre("@server"));
}

}  // namespace
}  // namespace harness
