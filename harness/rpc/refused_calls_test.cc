// Tests that a program which is told to end gets its waiting calls back, and may call again later.
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

using muster::NodeError;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class RefusedCallsTest : public testing::Test {
 protected:
  RefusedCallsTest() : node_(controller_.connect(agent_.description())) {
    node_.awaitConnected(in(seconds(10)));
  }

  muster::Result run(muster::Argv argv) {
    return rpc::Jobs(node_).run(command(std::move(argv), minutes(5)), in(minutes(5)));
  }

  // Refuses calls once the agent has the command "hang".
  void refuseWhenItHangs() {
    while (agent_.session().jobs.empty()) std::this_thread::yield();
    controller_.refuseCalls("cancelled: SIGINT");
  }

  FakeAgent agent_;
  Controller controller_;
  ControllerNode& node_;
};

TEST_F(RefusedCallsTest, CallsThatWaitFailWithTheReasonAndSoDoLaterOnes) {
  auto refusal = std::async(std::launch::async, [this] { refuseWhenItHangs(); });
  for (const muster::Argv& argv : {muster::Argv{"hang"}, muster::Argv{"emit", "x"}}) {
    NodeError error = errorOf([&] { run(argv); });
    EXPECT_EQ(error.kind(), NodeError::Kind::kCancelled);
    EXPECT_THAT(error.what(), HasSubstr("cancelled: SIGINT"));
  }
}

TEST_F(RefusedCallsTest, CallOfSeveralNodesFailsAsAWhole) {
  controller_.refuseCalls("cancelled: SIGINT");
  NodeError error = errorOf([&] { controller_.awaitAll({&node_}, in(minutes(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kCancelled);
}

TEST_F(RefusedCallsTest, CallsWorkAgainWhenTheyAreAllowed) {
  controller_.refuseCalls("cancelled: SIGINT");
  controller_.allowCalls();
  EXPECT_EQ(run({"emit", "x"}).out, "x");
}

TEST_F(RefusedCallsTest, SessionsAreClosedWhileCallsAreRefused) {
  controller_.refuseCalls("cancelled: SIGINT");
  std::vector<Leftover> leftovers = controller_.closeAll(in(seconds(10)));
  ASSERT_EQ(leftovers.size(), 1u);
  EXPECT_EQ(leftovers[0].what, "job 7") << "the answer of the agent";
  EXPECT_TRUE(agent_.session().closed);
}

}  // namespace
}  // namespace harness
