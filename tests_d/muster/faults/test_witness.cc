// A cut that does not cut, and one that does not end, are errors of the infrastructure.
#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using faults::pings;
using faults::tablesOf;
using testing::HasSubstr;
using testing::IsEmpty;

class WitnessTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }

  // Puts a program before the node's own nft, until the end of the test.
  void replaceNft(Node& node, const std::string& script) {
    node.file("/usr/local/sbin/nft").write("#!/bin/sh\n" + script + "\n", {.mode = 0755});
  }
  void TearDown() override {
    for (Node& node : servers()) node.run({"rm", "-f", "/usr/local/sbin/nft"});
  }
};

TEST_F(WitnessTest, NftThatDoesNothingIsAnError) {
  replaceNft(a(), "exit 0");
  EXPECT_THAT([&] { Fault cut = cluster().isolate(a()); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("nft said that it worked")));
  EXPECT_THAT(tablesOf(b()), IsEmpty()) << "the part of the other node was healed";
  EXPECT_TRUE(pings(a(), b()));
}

// It makes the table and shows all that was asked for, but the rule matches nothing.
TEST_F(WitnessTest, RuleThatDropsNothingIsAnError) {
  replaceNft(
      a(),
      "case $1 in *saddr*) exec /usr/sbin/nft \"$(echo \"$1\" | sed "
      "'s/counter drop/meta mark 57005 counter drop/g')\";; esac; exec /usr/sbin/nft \"$@\"");
  EXPECT_THAT([&] { Fault cut = cluster().cutOneWay(b(), a()); },
              FailsWith(NodeError::Kind::kInfrastructure, HasSubstr("was not witnessed: a packet "
                                                                    "of server2 got through")));
  EXPECT_THAT(tablesOf(a()), IsEmpty());
}

TEST_F(WitnessTest, CutThatDoesNotEndIsAnError) {
  Fault cut = cluster().isolate(a());
  replaceNft(a(), "case $1 in delete) exit 0;; esac; exec /usr/sbin/nft \"$@\"");
  EXPECT_THAT([&] { cut.heal(); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("is still there")));
  a().run({"rm", "-f", "/usr/local/sbin/nft"});
  EXPECT_THAT(a().run({"sh", "-c",
                       "for t in $(nft list tables | grep -o 'muster_.*'); do nft "
                       "delete table inet $t; done"}),
              Succeeded());
}

// Somebody else has cut the same way: the fault can be healed, and the way is still cut.
TEST_F(WitnessTest, WayThatStaysCutIsAnError) {
  Fault cut = cluster().isolate(a());
  ASSERT_THAT(a().run({"nft",
                       "add table inet mine; add chain inet mine input { type filter hook "
                       "input priority 0; }; add rule inet mine input ip saddr " +
                           b().address() + " drop"}),
              Succeeded());
  EXPECT_THAT([&] { cut.heal(); },
              FailsWith(NodeError::Kind::kInfrastructure, HasSubstr("still does not get through")));
  a().run({"nft", "delete", "table", "inet", "mine"});
}

TEST_F(WitnessTest, FaultThatSomebodyRemovedIsAnErrorAtItsEnd) {
  Fault cut = cluster().isolate(a());
  a().run({"nft", "flush", "ruleset"});
  EXPECT_THAT([&] { cut.packetsDropped(); },
              FailsWith(NodeError::Kind::kInfrastructure, HasSubstr("no more")));
  EXPECT_THAT([&] { cut.heal(); }, FailsWith(NodeError::Kind::kSystem, HasSubstr("no more")));
  EXPECT_TRUE(pings(a(), b()));
}

TEST_F(WitnessTest, NodeWithoutNftIsNamedWithThePackage) {
  a().run({"mv", "/usr/sbin/nft", "/usr/sbin/nft.away"});
  EXPECT_THAT([&] { Fault cut = cluster().isolate(a()); },
              FailsWith(NodeError::Kind::kUnsupported, HasSubstr("package nftables")));
  EXPECT_THAT(tablesOf(b()), IsEmpty());
  a().run({"mv", "/usr/sbin/nft.away", "/usr/sbin/nft"});
}

}  // namespace
