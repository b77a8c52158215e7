// Waits for what does not come, for test_wait_multiplier.cc, which looks at what it says.
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

}  // namespace
