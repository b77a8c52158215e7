// Waits for lines on a scripted agent.
#include "harness/rpc/log/logs.h"

#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

class LogsTest : public OnFakeAgent {
 protected:
  LogsTest() {
    agent_.change([](FakeAgent::Script& script) { script.grantsLogs = true; });
  }

  rpc::LogPart awaitFor(std::chrono::nanoseconds within, std::chrono::nanoseconds limit) {
    rpc::Logs logs(node_);
    return logs.await(logs.beginning("/kvd.log"), {"ready"}, in(within), in(limit));
  }
};

// A node that is busy says late that no line has come. That is an answer, and not a lost node.
TEST_F(LogsTest, AnswerThatComesLateCounts) {
  agent_.change(
      [](FakeAgent::Script& script) { script.logLateness = std::chrono::milliseconds(600); });
  EXPECT_TRUE(
      awaitFor(std::chrono::milliseconds(200), std::chrono::seconds(30)).slice.lines.empty());
}

TEST_F(LogsTest, WaitEndsAtItsLimitWithoutAnAnswer) {
  agent_.change([](FakeAgent::Script& script) { script.logLateness = std::chrono::hours(1); });
  EXPECT_EQ(errorOf([&] {
              awaitFor(std::chrono::milliseconds(100), std::chrono::milliseconds(300));
            }).kind(),
            muster::NodeError::Kind::kTimeout);
}

}  // namespace
}  // namespace harness
