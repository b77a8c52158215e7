// Cuts between real nodes: they cut what they should and nothing else, and they heal.
#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using faults::pings;
using faults::tablesOf;
using testing::HasSubstr;
using testing::IsEmpty;

class CutTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }
  Node& c() { return servers()[2]; }

  // Starts a server that gives a line to everyone, and waits until it answers.
  Daemon serve(Node& node, uint16_t port) {
    std::string script = "while True:\n c, _ = s.accept()\n c.send(b'hello\\n')\n c.close()\n";
    std::string program = "import socket\ns = socket.create_server(('', " + std::to_string(port) +
                          "), reuse_port=False)\n" + script;
    return Daemon(node, {"/usr/bin/python3", "-c", program}, {.ready = Daemon::listensOn(port)});
  }
  bool reaches(const Node& from, const Node& to, int port) {
    std::string program = "import socket\nsocket.create_connection(('" + to.address() + "', " +
                          std::to_string(port) + "), 1)\n";
    return from.run({"/usr/bin/python3", "-c", program}).succeeded();
  }
  bool connects(const Node& from, const Node& to, int port) {
    std::string program = "import socket\nsocket.create_connection(('" + to.address() + "', " +
                          std::to_string(port) + "), 1).recv(9)\n";
    return from.run({"/usr/bin/python3", "-c", program}).succeeded();
  }
};

TEST_F(CutTest, IsolatedNodeIsReachedByUsAlone) {
  ASSERT_TRUE(pings(a(), b()));
  {
    Fault cut = cluster().isolate(a());
    EXPECT_FALSE(pings(a(), b()));
    EXPECT_FALSE(pings(b(), a()));
    EXPECT_FALSE(pings(c(), a()));
    EXPECT_TRUE(pings(b(), c()));
    EXPECT_GT(cut.packetsDropped(), 3u);
  }
  EXPECT_TRUE(pings(a(), b()));
  EXPECT_TRUE(pings(c(), a()));
  for (Node& node : servers()) EXPECT_THAT(tablesOf(node), IsEmpty());
}

TEST_F(CutTest, PartitionCutsBetweenGroupsOnly) {
  Fault cut = cluster().partition({{a(), b()}, {c()}});
  EXPECT_TRUE(pings(a(), b()));
  EXPECT_FALSE(pings(a(), c()));
  EXPECT_FALSE(pings(c(), b()));
  cut.heal();
  EXPECT_FALSE(cut.holds());
  EXPECT_TRUE(pings(a(), c()));
  EXPECT_TRUE(pings(c(), b()));
}

TEST_F(CutTest, MiddleOfABridgeReachesBothSides) {
  Fault cut = cluster().bridge({a()}, b(), {c()});
  EXPECT_TRUE(pings(a(), b()));
  EXPECT_TRUE(pings(c(), b()));
  EXPECT_FALSE(pings(a(), c()));
  EXPECT_FALSE(pings(c(), a()));
  EXPECT_THAT(tablesOf(b()), IsEmpty());
  cut.heal();
  EXPECT_TRUE(pings(a(), c()));
}

// The sender of a one-way cut hears its peer, and sees silence instead of an error.
TEST_F(CutTest, OneWayCutTakesOneDirection) {
  const std::string send =
      "import socket, sys\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
      "s.sendto(b'x', (sys.argv[1], 4711))";
  const std::string hear =
      "timeout 2 python3 -c \"import socket; s = "
      "socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 4711)); "
      "print('ready', flush=True); s.recv(9); print('heard', flush=True)\"";
  auto hears = [&](Node& from, Node& to) {
    Process listener = to.start({"sh", "-c", hear});
    listener.readUntil("ready", 10s);
    EXPECT_THAT(from.run({"python3", "-c", send, to.address()}), Succeeded());
    return listener.wait().out.find("heard") != std::string::npos;
  };
  Fault cut = cluster().cutOneWay(a(), b());
  EXPECT_FALSE(hears(a(), b()));
  EXPECT_TRUE(hears(b(), a()));
  cut.heal();
  EXPECT_TRUE(hears(a(), b()));
}

TEST_F(CutTest, CutOfAPortLeavesOtherPorts) {
  Daemon cutOne = serve(b(), 4800);
  Daemon other = serve(b(), 4801);
  Fault cut = cluster().partition({{a()}, {b()}}, {.port = 4800});
  EXPECT_FALSE(connects(a(), b(), 4800));
  EXPECT_TRUE(connects(a(), b(), 4801));
  EXPECT_TRUE(pings(a(), b()));
  EXPECT_TRUE(connects(c(), b(), 4800));
  cut.heal();
  EXPECT_TRUE(connects(a(), b(), 4800));
}

// A controller may be on a node of the cluster.
TEST_F(CutTest, AgentsOwnPortIsNeverCut) {
  constexpr int kAgentPort = 7411;
  if (!reaches(b(), a(), kAgentPort)) GTEST_SKIP() << "the agents listen on another port";
  Fault cut = cluster().isolate(a());
  EXPECT_FALSE(pings(b(), a()));
  EXPECT_TRUE(reaches(b(), a(), kAgentPort));
  EXPECT_THAT([&] { Fault deaf = cluster().isolate(b(), {.port = kAgentPort}); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("is the agent's own")));
}

TEST_F(CutTest, LossTakesAShare) {
  Fault lossy = cluster().partition({{a()}, {b()}}, {.loss = 0.5});
  // With half of both directions lost, a quarter comes back: 100 +- 9 of 400.
  Result result = a().run({"sh", "-c",
                           "ping -c 400 -i 0.005 -W 1 -q " + b().address() +
                               " | sed -n 's/.*, \\([0-9]*\\) received.*/\\1/p'"});
  EXPECT_GT(std::stoi(result.out), 40) << result.out;
  EXPECT_LT(std::stoi(result.out), 200) << result.out;
}

TEST_F(CutTest, FaultsOfOneNodeAddUpAndHealOneByOne) {
  Fault isolated = cluster().isolate(a());
  Fault split = cluster().partition({{a()}, {b()}});
  EXPECT_NE(isolated.id(), split.id());
  isolated.heal();
  EXPECT_FALSE(pings(a(), b()));
  EXPECT_TRUE(pings(a(), c()));
  split.heal();
  EXPECT_TRUE(pings(a(), b()));
}

TEST_F(CutTest, HandleCanBeMovedAndAssigned) {
  Fault first = cluster().partition({{a()}, {b()}});
  Fault second = std::move(first);
  EXPECT_FALSE(first.holds());
  EXPECT_FALSE(pings(a(), b()));
  second = cluster().partition({{a()}, {c()}});
  EXPECT_TRUE(pings(a(), b()));
  EXPECT_FALSE(pings(a(), c()));
  EXPECT_EQ(testing::PrintToString(second), "fault \"partition server1 / server3\"");
}

// A table of somebody else, of the same priority and with a rule that drops, is none of ours.
TEST_F(CutTest, RulesOfOthersStay) {
  ASSERT_THAT(a().run({"nft",
                       "add table inet mine; add chain inet mine input { type filter hook "
                       "input priority -150; }; add rule inet mine input tcp dport 9 drop"}),
              Succeeded());
  std::string before = a().output({"nft", "list", "ruleset"});
  { Fault cut = cluster().isolate(a()); }
  EXPECT_EQ(a().output({"nft", "list", "ruleset"}), before);
  EXPECT_THAT(a().run({"nft", "delete", "table", "inet", "mine"}), Succeeded());
}

TEST_F(CutTest, RebootedNodeIsHealedWithoutAnError) {
  Fault cut = cluster().isolate(c());
  cluster().powerOff(c());
  cluster().powerOn(c());
  EXPECT_FALSE(pings(c(), a())) << "the peers have their part still";
  cut.heal();
  EXPECT_TRUE(pings(c(), a()));
}

TEST_F(CutTest, WrongRequestsAreRefusedBeforeAnythingIsTouched) {
  constexpr auto kInvalid = NodeError::Kind::kInvalid;
  auto partition = [&](const std::vector<NodeSet>& groups, const FaultOptions& options = {}) {
    return [=, this] { Fault cut = cluster().partition(groups, options); };
  };
  EXPECT_THAT(partition({{a(), b()}, {b()}}), FailsWith(kInvalid, HasSubstr("server2 is named")));
  EXPECT_THAT(partition({{a()}}), FailsWith(kInvalid, HasSubstr("two groups")));
  EXPECT_THAT(partition({{a()}, NodeSet()}), FailsWith(kInvalid, HasSubstr("has no node")));
  EXPECT_THAT([&] { Fault cut = cluster().cutOneWay(a(), a()); },
              FailsWith(kInvalid, HasSubstr("server1 is named twice")));
  EXPECT_THAT(partition({{a()}, {b()}}, {.loss = 0}), FailsWith(kInvalid, HasSubstr("loss: 0")));
  EXPECT_THAT(partition({{a()}, {b()}}, {.loss = 1.5}), FailsWith(kInvalid, HasSubstr("loss")));
  for (Node& node : servers()) EXPECT_THAT(tablesOf(node), IsEmpty());
}

class RingTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 4}}}; }
};

// Each of four nodes reaches its two neighbours.
TEST_F(RingTest, EachNodeReachesItsNeighboursOnly) {
  NodeSet ring = servers().firstOf(4);
  {
    Fault cut = cluster().majorityRing(ring);
    EXPECT_EQ(testing::PrintToString(cut), "fault \"ring server1,server2,server3,server4\"");
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_TRUE(pings(ring[i], ring[(i + 1) % 4]));
      EXPECT_TRUE(pings(ring[(i + 1) % 4], ring[i]));
      EXPECT_FALSE(pings(ring[i], ring[(i + 2) % 4]));
    }
  }
  EXPECT_TRUE(pings(ring[0], ring[2]));
  EXPECT_THAT([&] { Fault cut = cluster().majorityRing(ring.firstOf(3)); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("four nodes at least")));
}

}  // namespace
