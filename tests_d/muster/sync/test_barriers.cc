// Barriers of scripts on real nodes and the test.
#include <algorithm>
#include <chrono>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using testing::AllOf;
using testing::HasSubstr;
using namespace sync_tests;

class BarrierTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }

 protected:
  static Argv script(const std::string& text) { return {"sh", "-c", text}; }
};

TEST_F(BarrierTest, ScriptsOnThreeNodesGoOnTogether) {
  Argv argv = script("nodeagent barrier start --count 3 && date +%s%N");
  Process first = servers()[0].start(argv);
  Process second = servers()[1].start(argv);
  awaitWaiting(servers()[0], 1);
  awaitWaiting(servers()[1], 1);
  EXPECT_TRUE(first.running());
  Process third = servers()[2].start(argv);
  std::vector<int64_t> times;
  for (Process* each : {&first, &second, &third}) {
    Result result = each->wait(5s);
    ASSERT_THAT(result, Succeeded());
    times.push_back(std::stoll(result.out));
  }
  auto [least, most] = std::minmax_element(times.begin(), times.end());
  EXPECT_LT(*most - *least, 100'000'000);
}

TEST_F(BarrierTest, NobodyGoesOnBeforeTheTest) {
  ProcessSet scripts = servers().start(script("nodeagent barrier start; echo on"));
  Barrier start = cluster().barrier("start", scripts);
  for (Node& node : servers()) awaitWaiting(node, 1);
  EXPECT_TRUE(scripts["server1"].running());
  start.wait(5s);
  EXPECT_THAT(scripts.wait(5s), OnEachNode(Prints("on")));
}

TEST_F(BarrierTest, RoundsFollowEachOther) {
  ProcessSet scripts = servers().start(
      script("for i in $(seq 20); do nodeagent barrier round --count 3 || exit; done"));
  EXPECT_THAT(scripts.wait(20s), OnEachNode(Succeeded()));
}

// The time counts from the kill until the others have been reported as ended. The machine may be
// busy, so one of three tries is enough.
TEST_F(BarrierTest, KilledScriptEndsTheBarrierForAllWithin100Ms) {
  std::chrono::nanoseconds best = 1h;
  for (int round = 0; round < 3 && best > 100ms; ++round) {
    std::string name = "start" + std::to_string(round);
    std::string wait = "nodeagent barrier " + name + " --count 3";
    Process first = servers()[0].start(script(wait));
    Process second = servers()[1].start(script("echo loading shard 7 >&2; " + wait + "; true"));
    awaitWaiting(servers()[0], 1);
    awaitWaiting(servers()[1], 1);
    auto begin = std::chrono::steady_clock::now();
    second.signal(SIGKILL, SignalTarget::kProcess);
    Result result = first.wait(5s);
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - begin);
    EXPECT_THAT(result, ExitedWith(1));
    EXPECT_THAT(result.err, AllOf(HasSubstr("node server2: \"sh -c echo loading shard 7"),
                                  HasSubstr("was killed by SIGKILL while it waited there"),
                                  HasSubstr("last line of standard error: \"loading shard 7\"")));
    // One that comes later is told as well.
    EXPECT_THAT(servers()[2].run(script(wait)), ExitedWith(1));
  }
  EXPECT_LT(best, 100ms);
}

TEST_F(BarrierTest, TestIsToldWhoDiedBeforeItCame) {
  Process good = servers()[0].start(script("nodeagent barrier start"));
  Process bad = servers()[1].start(script("echo no such disk; exit 3"));
  Barrier start = cluster().barrier("start", {good, bad});
  try {
    start.wait(10s);
    FAIL() << "complete";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kCommandFailed);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("node server2: \"sh -c echo no such disk; exit 3\""),
                                    HasSubstr("before it came")));
  }
  EXPECT_THAT(good.wait(5s), ExitedWith(1));
}

TEST_F(BarrierTest, TimeoutNamesThoseThatAreMissing) {
  Process here = servers()[1].start(script("nodeagent barrier start"));
  Barrier start = cluster().barrier("start", servers());
  awaitWaiting(servers()[1], 1);
  try {
    start.wait(300ms);
    FAIL() << "complete";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
    EXPECT_THAT(error.what(),
                HasSubstr("missing: a command of node server1, a command of node server3"));
  }
  Process one = servers()[0].start(script("nodeagent barrier start"));
  Process three = servers()[2].start(script("nodeagent barrier start"));
  start.wait(10s);
  EXPECT_THAT(here.wait(5s), Succeeded());
}

TEST_F(BarrierTest, EndOfTheBarrierEndsThoseThatWait) {
  Process waiter = servers()[0].start(script("nodeagent barrier start"));
  {
    Barrier start = cluster().barrier("start", 2);
    awaitWaiting(servers()[0], 1);
  }
  Result result = waiter.wait(5s);
  EXPECT_THAT(result, ExitedWith(1));
  EXPECT_THAT(result.err, HasSubstr("the test has ended it"));
}

TEST_F(BarrierTest, GoesOnOverAKilledFront) {
  Process first = servers()[0].start(script("nodeagent barrier start --count 2"));
  awaitWaiting(servers()[0], 1);
  killFront(servers()[0]);
  EXPECT_THAT(servers()[1].run(script("nodeagent barrier start --count 2")), Succeeded());
  EXPECT_THAT(first.wait(10s), Succeeded());
}

TEST_F(BarrierTest, KilledKeeperBreaksTheBarrier) {
  Process first = servers()[0].start(script("nodeagent barrier start --count 2"));
  awaitWaiting(servers()[0], 1);
  Process second = servers()[1].start(script("nodeagent barrier start --count 3; true"));
  EXPECT_THAT(second.wait(5s).err, HasSubstr("it is for 2 commands"));
  killKeeper(servers()[0]);
  Result late = servers()[1].run(script("nodeagent barrier start --count 2"));
  EXPECT_THAT(late, ExitedWith(1));
  EXPECT_THAT(late.err, HasSubstr("was lost: the agent was restarted, while it waited there"));
}

TEST_F(BarrierTest, BarrierOfNobodyIsRefused) {
  NodeSet nobody = cluster().withLabel("no-such-label");
  EXPECT_THAT([&] { cluster().barrier("b", nobody).wait(); }, FailsWith(NodeError::Kind::kInvalid));
  EXPECT_THAT([&] { cluster().barrier("b", 0).wait(); }, FailsWith(NodeError::Kind::kInvalid));
  EXPECT_THAT([&] { cluster().barrier("a b", 1).wait(); }, FailsWith(NodeError::Kind::kInvalid));
  Barrier held = cluster().barrier("b", 1);
  EXPECT_THAT([&] { cluster().barrier("b", 2).wait(); }, FailsWith(NodeError::Kind::kConflict));
}

}  // namespace
