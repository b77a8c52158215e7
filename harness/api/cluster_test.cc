#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/cluster.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"

namespace muster {
namespace {

using ::testing::EndsWith;

// Nodes that are never asked.
class ClusterTest : public testing::Test {
 protected:
  ClusterTest() {
    harness::ClusterParts parts;
    for (const char* name : {"server1", "server2", "client1"}) {
      harness::NodeDescription node;
      node.name = name;
      node.role = std::string(name, 6);
      node.route.endpoint = support::Endpoint::parse("unix:/nowhere/agent.sock");
      parts.nodes.push_back(&controller_.connect(node));
      parts.description.nodes.push_back(node);
    }
    cluster_ = harness::ApiAccess::newCluster(std::move(parts));
  }

  harness::Controller controller_;
  std::unique_ptr<Cluster> cluster_;
};

// Expects that the call fails with the line of this place in the test.
template <typename Call>
void expectFailsAt(unsigned line, NodeError::Kind kind, Call&& call) {
  try {
    call();
    ADD_FAILURE() << "line " << line << ": nothing was thrown";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.where().file_name(), EndsWith("cluster_test.cc")) << error.what();
    EXPECT_EQ(error.where().line(), line) << error.what();
  }
}

TEST_F(ClusterTest, ChoosesNodesByPlaceNameRoleAndExpression) {
  size_t place = 1;
  std::string name = "server1";
  EXPECT_EQ(cluster_->servers()[0].name(), "server1");
  EXPECT_EQ(cluster_->servers()[place].name(), "server2");
  EXPECT_EQ(cluster_->servers()["server2"].name(), "server2");
  EXPECT_EQ(cluster_->servers()[name].name(), "server1");
  EXPECT_EQ(cluster_->withRole("client").only().name(), "client1");
  EXPECT_EQ(cluster_->node("client1").name(), "client1");
  EXPECT_EQ(cluster_->select("@server!server1").first().name(), "server2");
}

TEST_F(ClusterTest, WhatIsNotThereIsSaidWithTheLineOfTheTest) {
  constexpr auto kNotFound = NodeError::Kind::kNotFound;
  constexpr auto kInvalid = NodeError::Kind::kInvalid;
  expectFailsAt(__LINE__, kNotFound, [&] { cluster_->servers()[5]; });
  expectFailsAt(__LINE__, kNotFound, [&] { cluster_->servers()["x"]; });
  expectFailsAt(__LINE__, kNotFound, [&] { NodeSet().first(); });
  expectFailsAt(__LINE__, kNotFound, [&] { NodeSet().only(); });
  expectFailsAt(__LINE__, kNotFound, [&] { cluster_->servers().firstOf(3); });
  expectFailsAt(__LINE__, kInvalid, [&] { cluster_->servers().only(); });
  expectFailsAt(__LINE__, kNotFound, [&] { cluster_->node("x"); });
  expectFailsAt(__LINE__, kNotFound, [&] { cluster_->withRole("x"); });
  expectFailsAt(__LINE__, kInvalid, [&] { cluster_->select("server[1"); });
  expectFailsAt(__LINE__, kInvalid, [&] { cluster_->select("x"); });
  expectFailsAt(__LINE__, kNotFound, [&] { Results({})["x"]; });
}

// None of the nodes can be reached, so each refusal comes before a node is asked.
TEST_F(ClusterTest, WrongFaultsAreRefusedWithTheLineOfTheTest) {
  constexpr auto kInvalid = NodeError::Kind::kInvalid;
  Node& server = cluster_->node("server1");
  NodeSet servers = cluster_->servers();
  expectFailsAt(__LINE__, kInvalid, [&] { Fault f = cluster_->partition({servers, servers}); });
  expectFailsAt(__LINE__, kInvalid, [&] { Fault f = cluster_->partition({servers}); });
  expectFailsAt(__LINE__, kInvalid, [&] { Fault f = cluster_->cutOneWay(server, server); });
  expectFailsAt(__LINE__, kInvalid, [&] { Fault f = cluster_->isolate(server, {.loss = 0}); });
  expectFailsAt(__LINE__, kInvalid, [&] { Fault f = cluster_->degrade(server, {}); });
}

}  // namespace
}  // namespace muster
