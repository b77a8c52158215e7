// Events between scripts on real nodes and the test.
#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using namespace sync_tests;

class EventTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }
};

TEST_F(EventTest, ScriptTellsTheTest) {
  servers()[0].run({"nodeagent", "notify", "ready", "port=7400", "path=/a b"}).checked();
  Notification ready = cluster().event("ready").wait(5s);
  EXPECT_EQ(ready.node, "server1");
  EXPECT_EQ(ready.command, "nodeagent notify ready port=7400 path=/a b");
  EXPECT_THAT(ready.data, ElementsAre(Pair("path", "/a b"), Pair("port", "7400")));
}

TEST_F(EventTest, TestTellsScriptsOnAllNodes) {
  ProcessSet waiters = servers().start({"nodeagent", "wait", "go"});
  for (Node& node : servers()) awaitWaiting(node, 1);
  cluster().notify("go", {{"rate", "100"}});
  EXPECT_THAT(waiters.wait(5s), OnEachNode(Prints("rate=100")));
}

TEST_F(EventTest, ScriptOnOneNodeReleasesAScriptOnAnother) {
  Process waiter = servers()[0].start({"nodeagent", "wait", "go", "--timeout", "10s"});
  awaitWaiting(servers()[0], 1);
  servers()[1].run({"nodeagent", "notify", "go", "from=2"}).checked();
  EXPECT_THAT(waiter.wait(5s), Prints("from=2"));
}

TEST_F(EventTest, LateWaiterGetsEachEventOnceAndInOrder) {
  servers()[0].shell("for i in 1 2 3; do nodeagent notify step n=$i; done").checked();
  Result late = servers()[1].shell(
      "nodeagent wait step; nodeagent wait step; nodeagent wait step; "
      "nodeagent wait step --timeout 200ms");
  EXPECT_EQ(late.out, "n=1\nn=2\nn=3\n");
  EXPECT_THAT(late, ExitedWith(124));
  EXPECT_THAT(late.err, HasSubstr("no event \"step\" within 200 ms"));
  EXPECT_EQ(cluster().event("step").wait(5s).data["n"], "1");
  EXPECT_EQ(cluster().event("step").wait(5s).data["n"], "2");
}

// The next two tests run in this order.
TEST_F(EventTest, EventsLastUntilTheEndOfTheTest) {
  cluster().notify("leftover");
  cluster().event("leftover").wait(1s);
  servers()[0].run({"nodeagent", "notify", "leftover"}).checked();
}

TEST_F(EventTest, EventsOfTheLastTestAreForgotten) {
  EXPECT_THAT([&] { cluster().event("leftover").wait(200ms); },
              FailsWith(NodeError::Kind::kTimeout));
}

TEST_F(EventTest, UnprivilegedCommandIsServed) {
  Result result = servers()[0].run({"nodeagent", "notify", "mine", "uid=nobody"}, asNobody());
  EXPECT_THAT(result, Succeeded());
  EXPECT_EQ(cluster().event("mine").wait(5s).data["uid"], "nobody");
}

TEST_F(EventTest, TimeoutOfTheTestNamesWhatCameAndWhoWaits) {
  Process waiter = servers()[0].start({"nodeagent", "wait", "rdy"});
  servers()[1].run({"nodeagent", "notify", "redy"}).checked();
  cluster().event("redy").wait(5s);
  awaitWaiting(servers()[0], 1);
  try {
    cluster().event("ready").wait(200ms);
    FAIL() << "it came";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("none within 200 ms"), HasSubstr("\"redy\""),
                                    HasSubstr("node server1: \"nodeagent wait rdy\"")));
  }
}

TEST_F(EventTest, WaitEndsWithTheScope) {
  DeadlineScope scope(200ms);
  EXPECT_THAT([&] { cluster().event("never").wait(); }, FailsWith(NodeError::Kind::kTimeout));
}

// The front is killed while scripts notify and wait: all events come, in order and once.
TEST_F(EventTest, NothingIsMissedWhenFrontsAreKilled) {
  constexpr int kCount = 60;
  Process sender = servers()[0].start(
      {"sh", "-c", "for i in $(seq 60); do nodeagent notify tick n=$i; sleep 0.02; done"});
  Process receiver = servers()[1].start(
      {"sh", "-c", "for i in $(seq 60); do nodeagent wait tick --timeout 20s; done"});
  for (int round = 0; round < 3; ++round) {
    Process killer = servers()[0].start({"pkill", "-KILL", "-f", "--", "--role=front"});
    Process other = servers()[1].start({"pkill", "-KILL", "-f", "--", "--role=front"});
    for (int i = 0; i < kCount / 3; ++i) {
      int n = round * (kCount / 3) + i + 1;
      ASSERT_EQ(cluster().event("tick").wait(20s).data["n"], std::to_string(n));
    }
  }
  EXPECT_THAT(sender.wait(20s), Succeeded());
  Result received = receiver.wait(20s);
  EXPECT_THAT(received, Succeeded());
  std::string expected;
  for (int i = 1; i <= kCount; ++i) expected += "n=" + std::to_string(i) + "\n";
  EXPECT_EQ(received.out, expected);
}

TEST_F(EventTest, WaitOfAKilledKeeperIsLostAndTheNextCommandIsServed) {
  Process waiter = servers()[2].start({"nodeagent", "wait", "go"});
  awaitWaiting(servers()[2], 1);
  killKeeper(servers()[2]);
  EXPECT_THAT(waiter.wait(30s), Lost(LostReason::kKeeperRestarted));
  servers()[2].run({"nodeagent", "notify", "back"}).checked();
  EXPECT_EQ(cluster().event("back").wait(10s).node, "server3");
}

}  // namespace
