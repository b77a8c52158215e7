// Tests that no call waits for an agent that does not answer, and leaves no command behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

using muster::NodeError;
using muster::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// The heartbeat would need longer than any of these tests to notice that the agent is mute.
class CallDeadlineTest : public testing::Test {
 protected:
  CallDeadlineTest() : controller_(patient()), node_(controller_.connect(agent_.description())) {
    node_.awaitConnected(in(seconds(10)));
  }

  static ControllerOptions patient() {
    ControllerOptions options;
    options.heartbeatEvery = seconds(60);
    options.heartbeatMax = seconds(60);
    return options;
  }

  // A command that gets little time, and whose end would need much.
  static JobRequest shortCommand(muster::Argv argv) {
    JobRequest request = command(std::move(argv), milliseconds(100));
    request.options.grace = seconds(30);
    return request;
  }

  void setMute(bool mute) {
    agent_.change([mute](FakeAgent::Script& script) { script.mute = mute; });
  }

  NodeError errorOfRun(const JobRequest& request) {
    return errorOf([&] { rpc::Jobs(node_).run(request, in(milliseconds(200))); });
  }

  // Looks until the agent was told so about its first command; false after ten seconds.
  bool cancelledAndAcknowledged() {
    JobRequest look = command({"emit", ""}, seconds(10));
    for (SteadyTime end = in(seconds(10)); std::chrono::steady_clock::now() < end;) {
      rpc::Jobs(node_).run(look, in(seconds(10)));
      FakeAgent::Session session = agent_.session();
      if (session.jobs[1].cancelled && !session.acknowledged.empty() &&
          testing::Matches(testing::Contains(1u))(session.acknowledged)) {
        return true;
      }
    }
    return false;
  }

  FakeAgent agent_;
  Controller controller_;
  ControllerNode& node_;
};

TEST_F(CallDeadlineTest, MuteAgentEndsARunWithWhatIsKnown) {
  setMute(true);
  NodeError error = errorOfRun(shortCommand({"hang"}));
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("the time that was allowed, 100 ms, is over"));
  EXPECT_THAT(error.what(), HasSubstr("the node was last heard of"));
  EXPECT_THAT(error.what(), HasSubstr("did not say whether it began"));
}

TEST_F(CallDeadlineTest, RunningCommandIsToldFromOneThatMayNotHaveBegun) {
  NodeError error = errorOfRun(shortCommand({"hang"}));
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("when the command ran as pid 4711"));
}

TEST_F(CallDeadlineTest, CommandThatNobodyWaitsForIsCancelledAndForgottenLater) {
  setMute(true);
  errorOfRun(shortCommand({"hang"}));
  setMute(false);
  EXPECT_TRUE(cancelledAndAcknowledged());
}

TEST_F(CallDeadlineTest, CommandThatIsStillEndingIsAResult) {
  muster::Result result = rpc::Jobs(node_).run(shortCommand({"stubborn"}), in(milliseconds(200)));
  EXPECT_EQ(result.outcome.kind(), Outcome::Kind::kDeadline);
  EXPECT_EQ(result.outcome.exitStatus(), -1);
  EXPECT_TRUE(result.stillEnding);
  EXPECT_THAT(muster::describe(result), HasSubstr("still ending"));
  EXPECT_TRUE(cancelledAndAcknowledged());
}

TEST_F(CallDeadlineTest, WaitKnowsWhenTheAgentWillHaveEndedTheCommand) {
  auto job = rpc::Jobs(node_).start(shortCommand({"hang"}), in(seconds(10)));
  EXPECT_LE(job.deadlineAt(), in(milliseconds(100)));
  EXPECT_FALSE(job.pull(PullUntil::kEnded, job.deadlineAt()));
}

TEST_F(CallDeadlineTest, OneMuteNodeDoesNotHoldTheOthers) {
  FakeAgent other;
  ControllerNode& good = controller_.connect(other.description());
  setMute(true);
  JobRequest request = command({"emit", "here"}, milliseconds(1500));
  auto answers = rpc::runOnAll({&node_, &good}, request, in(milliseconds(1500)));
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(std::get<NodeError>(answers[0]).kind(), NodeError::Kind::kTimeout);
  EXPECT_EQ(std::get<muster::Result>(answers[1]).out, "here");
}

}  // namespace
}  // namespace harness
