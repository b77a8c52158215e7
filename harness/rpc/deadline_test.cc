// No call waits for an agent that does not answer, and what it began is not left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

#include "harness/rpc/fake/fake_agent.h"
#include "harness/rpc/stubs.h"

namespace harness {
namespace {

using muster::NodeError;
using muster::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

SteadyTime in(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

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

  static JobRequest command(muster::Argv argv) {
    JobRequest request;
    request.argv = std::move(argv);
    request.options.deadline = milliseconds(100);
    request.options.grace = seconds(30);
    return request;
  }

  void setMute(bool mute) {
    agent_.change([mute](FakeAgent::Script& script) { script.mute = mute; });
  }

  NodeError errorOf(const JobRequest& request) {
    try {
      node_.run(request, in(milliseconds(200)));
    } catch (const NodeError& error) {
      return error;
    }
    ADD_FAILURE() << "no NodeError was thrown";
    return NodeError(NodeError::Kind::kInternal, "", "", "");
  }

  // Looks until the agent was told so about its first command; false after ten seconds.
  bool cancelledAndAcknowledged() {
    JobRequest look = command({"emit", ""});
    look.options.deadline = seconds(10);
    for (SteadyTime end = in(seconds(10)); std::chrono::steady_clock::now() < end;) {
      node_.run(look, in(seconds(10)));
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
  NodeStub& node_;
};

TEST_F(CallDeadlineTest, MuteAgentEndsARunWithWhatIsKnown) {
  setMute(true);
  NodeError error = errorOf(command({"hang"}));
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("the time that was allowed, 100 ms, is over"));
  EXPECT_THAT(error.what(), HasSubstr("the node was last heard of"));
  EXPECT_THAT(error.what(), HasSubstr("did not say whether it began"));
}

TEST_F(CallDeadlineTest, RunningCommandIsToldFromOneThatMayNotHaveBegun) {
  NodeError error = errorOf(command({"hang"}));
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("when the command ran as pid 4711"));
}

TEST_F(CallDeadlineTest, CommandThatNobodyWaitsForIsCancelledAndForgottenLater) {
  setMute(true);
  errorOf(command({"hang"}));
  setMute(false);
  EXPECT_TRUE(cancelledAndAcknowledged());
}

TEST_F(CallDeadlineTest, CommandThatIsStillEndingIsAResult) {
  muster::Result result = node_.run(command({"stubborn"}), in(milliseconds(200)));
  EXPECT_EQ(result.outcome.kind(), Outcome::Kind::kDeadline);
  EXPECT_EQ(result.outcome.exitStatus(), -1);
  EXPECT_TRUE(result.stillEnding);
  EXPECT_THAT(muster::describe(result), HasSubstr("still ending"));
  EXPECT_TRUE(cancelledAndAcknowledged());
}

TEST_F(CallDeadlineTest, WaitKnowsWhenTheAgentWillHaveEndedTheCommand) {
  auto job = node_.start(command({"hang"}), in(seconds(10)));
  EXPECT_LE(job->deadlineAt(), in(milliseconds(100)));
  EXPECT_FALSE(job->pull(PullUntil::kEnded, job->deadlineAt()));
}

TEST_F(CallDeadlineTest, OneMuteNodeDoesNotHoldTheOthers) {
  FakeAgent other;
  NodeStub& good = controller_.connect(other.description());
  setMute(true);
  JobRequest request = command({"emit", "here"});
  request.options.deadline = milliseconds(1500);
  auto answers = controller_.runOnAll({&node_, &good}, request, in(milliseconds(1500)));
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(std::get<NodeError>(answers[0]).kind(), NodeError::Kind::kTimeout);
  EXPECT_EQ(std::get<muster::Result>(answers[1]).out, "here");
}

}  // namespace
}  // namespace harness
