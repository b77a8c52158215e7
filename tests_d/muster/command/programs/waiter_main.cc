// Waits for what does not come, and needs what not every cluster has, for test_wait_multiplier.cc
// and test_needs.cc, which look at what it says.
#include <muster/muster.h>

namespace {

using namespace muster;

class WaiterTest : public ClusterTest {};

TEST_F(WaiterTest, WaitsInVain) {
  Node& node = servers()[0];
  std::vector<LogMark> marks = LogSet(servers(), "/tmp/waiter.log").mark();
  EXPECT_THAT([] { return 7; }, Eventually(8, 100ms, 20ms));
  auto say = [](const std::string& what, const auto& wait) {
    try {
      wait();
      ADD_FAILURE() << what << " has come";
    } catch (const NodeError& error) {
      std::cout << what << ": " << error.what() << "\n";
    }
  };
  Process sleeper = node.start({"sleep", "100"});
  say("log", [&] { Log(node, "/tmp/waiter.log").waitFor("x", marks[0], 300ms); });
  say("line", [&] { sleeper.readLine(300ms); });
  say("end", [&] { sleeper.wait(300ms); });
  say("port", [&] { node.waitFor(Condition::port(7499), 300ms); });
  say("event", [&] { cluster().event("never").wait(300ms); });
  say("daemon", [&] {
    Daemon(node, {"sleep", "100"}, {.ready = Daemon::listensOn(7499), .readyWithin = 300ms});
  });
  say("scope", [&] {
    DeadlineScope scope(300ms);
    node.run({"sleep", "100"}).checked();
  });
}

// Comes behind the limit of the wait, and before the stretched one.
TEST_F(WaiterTest, WaitsForWhatComesLate) {
  Process writer = servers()[0].start({"sh", "-c", "sleep 2; echo done"});
  EXPECT_EQ(writer.readLine(1s), "done");
}

class PowerNeedsTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}, .abilities = {NodeAbility::kPower}}; }
};

TEST_F(PowerNeedsTest, Body) {
  std::cout << "BODY RAN\n";
}

class NetworkNeedsTest : public ClusterTest {
 public:
  static Needs needs() {
    return {.nodes = {{"server", 2}}, .abilities = {NodeAbility::kNetworkFaults}};
  }
};

TEST_F(NetworkNeedsTest, Body) {
  std::cout << "BODY RAN\n";
}

class MemoryNeedsTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}, .memoryBytes = uint64_t{1} << 60}; }
};

TEST_F(MemoryNeedsTest, Body) {
  std::cout << "BODY RAN\n";
}

}  // namespace
