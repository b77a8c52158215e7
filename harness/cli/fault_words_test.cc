#include "harness/cli/fault_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ClusterDescription threeNodes() {
  ClusterDescription cluster;
  for (const char* name : {"server1", "server2", "client1"}) {
    NodeDescription node;
    node.name = name;
    node.role = std::string(name, 6);
    cluster.nodes.push_back(node);
  }
  return cluster;
}

std::string shapeText(const std::vector<std::string>& words) {
  try {
    return toString(shapeOf(words, threeNodes()));
  } catch (const CommandError& error) {
    return std::to_string(error.status()) + " " + error.what();
  }
}

TEST(FaultWordsTest, GroupsStandBetweenSlashes) {
  EXPECT_EQ(shapeText({"partition", "server1", "/", "server2,client1"}),
            "partition server1 / server2,client1");
  EXPECT_EQ(shapeText({"partition", "server1", "server2", "/", "@client"}),
            "partition server1,server2 / client1");
  EXPECT_EQ(shapeText({"partition", "server1", "/", "server2", "/", "client1"}),
            "partition server1 / server2 / client1");
  EXPECT_EQ(shapeText({"bridge", "server1", "/", "server2", "/", "@client"}),
            "bridge server1 / server2 / client1");
  EXPECT_EQ(shapeText({"degrade", "server1"}), "degrade server1");
  EXPECT_EQ(shapeText({"one-way", "server1", "client1"}), "one-way server1 to client1");
}

TEST(FaultWordsTest, IsolatedNodeIsCutFromAllOthers) {
  EXPECT_THAT(nodesOf(shapeOf({"isolate", "server2"}, threeNodes())),
              ElementsAre("server2", "server1", "client1"));
}

TEST(FaultWordsTest, WrongWordsAreRefused) {
  EXPECT_THAT(shapeText({"partitoin", "a"}), HasSubstr("64 there is no fault \"partitoin\""));
  EXPECT_THAT(shapeText({"partition", "server1"}), HasSubstr("65 there must be two groups"));
  EXPECT_THAT(shapeText({"partition", "server1", "/"}), HasSubstr("64 a group has no node"));
  EXPECT_THAT(shapeText({"partition", "/", "server1"}), HasSubstr("64 a group has no node"));
  EXPECT_THAT(shapeText({"partition", "@server", "/", "server2"}),
              HasSubstr("65 node server2 is named twice"));
  EXPECT_THAT(shapeText({"isolate", "server1", "server2"}), HasSubstr("64 isolate takes one node"));
  EXPECT_THAT(shapeText({"isolate", "@server"}), HasSubstr("65 node set \"@server\" is 2 nodes"));
  EXPECT_THAT(shapeText({"isolate", "server9"}), HasSubstr("65 node set \"server9\""));
  EXPECT_THAT(shapeText({"bridge", "server1", "/", "server2"}), HasSubstr("64 bridge takes three"));
  EXPECT_THAT(shapeText({"bridge", "server1", "/", "@*", "/", "client1"}),
              HasSubstr("65 the middle of a bridge is one node, and not 3"));
  EXPECT_THAT(shapeText({"ring", "@server", "client1"}), HasSubstr("65 a ring of majorities"));
  EXPECT_THAT(shapeText({"one-way", "server1"}), HasSubstr("64 one-way takes two nodes"));
  EXPECT_THAT(shapeText({"one-way", "server1", "server1"}), HasSubstr("65 node server1 is named"));
}

TEST(FaultWordsTest, LossIsAShare) {
  EXPECT_DOUBLE_EQ(shareOf("20%"), 0.2);
  EXPECT_DOUBLE_EQ(shareOf("0.2"), 0.2);
  for (const char* right : {"1%", "100%", "1", "0.01", "33.3%"}) EXPECT_EQ(lossProblem(right), "");
  for (const char* wrong : {"0", "0%", "101%", "2", "-1%", "x", "", "20%%", "nan", "inf"}) {
    EXPECT_NE(lossProblem(wrong), "") << wrong;
  }
}

TEST(FaultWordsTest, RateHasAUnit) {
  EXPECT_EQ(rateOf("500kbit"), 500'000u);
  EXPECT_EQ(rateOf("8000bit"), 8'000u);
  EXPECT_EQ(rateOf("100gbit"), 100'000'000'000u);
  for (const char* right : {"8kbit", "1mbit", "100gbit"}) EXPECT_EQ(rateProblem(right), "");
  for (const char* wrong : {"", "8", "mbit", "0mbit", "7999bit", "101gbit", "8MB", "-8mbit",
                            "99999999999999999999bit", "1.5mbit"}) {
    EXPECT_NE(rateProblem(wrong), "") << wrong;
  }
  for (const char* right : {"0%", "5%", "1"}) EXPECT_EQ(shareProblem(right), "");
  for (const char* wrong : {"-1%", "101%", "x", "nan"}) EXPECT_NE(shareProblem(wrong), "") << wrong;
}

TEST(FaultWordsTest, FaultIsNamedByTheBeginningOfItsId) {
  FaultInfo first;
  first.id = "0a1b2c3d00000000000000000000000f";
  FaultInfo second = first;
  second.id = "0a1b2c3e00000000000000000000000f";
  std::vector<FaultRow> known = {{"server1", first}, {"server2", first}, {"server1", second}};
  EXPECT_THAT(chooseFaults({"0a1b2c3d"}, known).ids, ElementsAre(first.id));
  EXPECT_THAT(chooseFaults({"ffff"}, known).unknown, ElementsAre("ffff"));
  EXPECT_THROW(chooseFaults({"0a1b2c3"}, known), CommandError);
  for (const char* wrong : {"", "0a1", "0A1B", "server1", "0a1b2c3d00000000000000000000000f0"}) {
    EXPECT_THROW(chooseFaults({wrong}, known), CommandError) << wrong;
  }
}

}  // namespace
}  // namespace harness
