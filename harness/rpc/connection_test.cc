// Connections, sessions and commands against a scripted agent.
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/facts/facts.h"
#include "harness/rpc/fake/fake_agent_fixture.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

using muster::LostReason;
using muster::NodeError;
using muster::NodeState;
using muster::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ConnectionTest : public OnFakeAgent {};

TEST_F(ConnectionTest, RunsACommandInOneRoundTrip) {
  muster::Result result = rpc::Jobs(node_).run(command({"emit", "hello\n"}), in(seconds(5)));
  EXPECT_EQ(result.out, "hello\n");
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.node, "n1");
  EXPECT_EQ(result.address, "10.7.0.1");
  EXPECT_EQ(node_.state().kind, NodeState::Kind::kConnected);
}

TEST_F(ConnectionTest, AnsweredCommandIsAcknowledgedWithTheNext) {
  rpc::Jobs(node_).run(command({"emit", "a"}), in(seconds(5)));
  rpc::Jobs(node_).run(command({"emit", "b"}), in(seconds(5)));
  EXPECT_THAT(agent_.session().acknowledged, testing::ElementsAre(1));
}

TEST_F(ConnectionTest, LostAnswerIsAskedAgainAndNothingRunsTwice) {
  agent_.change([](FakeAgent::Script& script) { script.dropAfterRun = 3; });
  EXPECT_EQ(rpc::Jobs(node_).run(command({"emit", "once"}), in(seconds(5))).out, "once");
  EXPECT_EQ(agent_.session().jobs.size(), 1u);
  EXPECT_EQ(agent_.session().jobs[1].starts, 1u);
  EXPECT_EQ(node_.state().reconnects, 3u);
}

TEST_F(ConnectionTest, ACommandThatTheNodeNeverSawIsGivenUp) {
  agent_.change([](FakeAgent::Script& script) { script.losesRuns = true; });
  JobRequest request = command({"emit", "x"});
  request.options.deadline = milliseconds(50);
  NodeError error = errorOf([&] { rpc::Jobs(node_).run(request, in(milliseconds(100))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  agent_.change([](FakeAgent::Script& script) { script.losesRuns = false; });
  EXPECT_EQ(rpc::Jobs(node_).run(command({"emit", "next"}), in(seconds(5))).out, "next");
  EXPECT_THAT(agent_.session().jobs, testing::ElementsAre(testing::Key(2)));
}

TEST_F(ConnectionTest, LongOutputComesInChunksAcrossLosses) {
  agent_.change([](FakeAgent::Script& script) { script.chunkBytesMax = 4096; });
  std::string text;
  for (int i = 0; text.size() < 100000; ++i) text += std::to_string(i) + "\n";
  auto job = rpc::Jobs(node_).start(command({"emit", text}), in(seconds(5)));
  agent_.drop();
  ASSERT_TRUE(job.pull(PullUntil::kEnded, in(seconds(5))));
  EXPECT_TRUE(job.result().out == text);
  EXPECT_TRUE(job.result().succeeded());
}

TEST_F(ConnectionTest, BulkOutputIsAskedForAheadAndComesInOrderAcrossLosses) {
  agent_.change([](FakeAgent::Script& script) {
    script.chunkBytesMax = 4096;
    script.aheadBytesMax = 16384;
  });
  std::string text;
  for (int i = 0; text.size() < 400000; ++i) text += std::to_string(i) + "\n";
  JobRequest request = command({"emit", text});
  request.output = JobOutput::kTake;
  auto job = rpc::Jobs(node_).start(request, in(seconds(5)));
  std::string output = job.takeOut();
  for (unsigned pulls = 1; !job.ended(); ++pulls) {
    ASSERT_TRUE(job.pull(PullUntil::kChange, in(seconds(5))));
    output += job.takeOut();
    if (pulls == 10) agent_.drop();
    if (pulls == 20) agent_.change([](FakeAgent::Script& script) { script.corruptChunks = 2; });
  }
  EXPECT_TRUE(output == text);
  EXPECT_TRUE(job.result().succeeded());
  EXPECT_GT(agent_.session().jobs[1].askedAhead, 10u);
}

TEST_F(ConnectionTest, AnOlderAgentIsAskedForNothingAhead) {
  agent_.change([](FakeAgent::Script& script) { script.chunkBytesMax = 4096; });
  EXPECT_EQ(
      rpc::Jobs(node_).run(command({"emit", std::string(100000, 'x')}), in(seconds(5))).out.size(),
      100000u);
  EXPECT_EQ(agent_.session().jobs[1].askedAhead, 0u);
}

TEST_F(ConnectionTest, DamagedChunkIsAskedForAgain) {
  agent_.change([](FakeAgent::Script& script) { script.corruptChunks = 2; });
  EXPECT_EQ(rpc::Jobs(node_).run(command({"emit", "clean"}), in(seconds(5))).out, "clean");
}

TEST_F(ConnectionTest, AlwaysDamagedChunkIsAnError) {
  agent_.change([](FakeAgent::Script& script) { script.corruptChunks = 100; });
  NodeError error = errorOf([&] { rpc::Jobs(node_).run(command({"emit", "x"}), in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kCorrupt);
}

TEST_F(ConnectionTest, SilentAgentIsNoticedByHeartbeatAndComesBack) {
  node_.awaitConnected(in(seconds(5)));
  agent_.change([](FakeAgent::Script& script) { script.swallowPings = 1; });
  ASSERT_TRUE(node_.awaitDisconnected(in(seconds(5))));
  EXPECT_THAT(node_.state().lastError, testing::HasSubstr("heartbeat: no answer within 100 ms"));
  agent_.change([](FakeAgent::Script& script) { script.swallowPings = 0; });
  EXPECT_EQ(rpc::Jobs(node_).run(command({"emit", "back"}), in(seconds(5))).out, "back");
}

TEST_F(ConnectionTest, CallToAnAbsentNodeFailsAtItsDeadlineWithSinceAndLastError) {
  node_.awaitConnected(in(seconds(5)));
  agent_.stopListening();
  agent_.drop();
  ASSERT_TRUE(node_.awaitDisconnected(in(seconds(5))));
  JobRequest request = command({"emit", "x"});
  request.options.deadline = milliseconds(200);
  NodeError error = errorOf([&] { rpc::Jobs(node_).run(request, in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kUnreachable);
  EXPECT_THAT(
      std::string(error.what()),
      testing::ContainsRegex("node n1: run \\[\"emit\", \"x\"\\]: unreachable: since .* ms, "
                             "last error: connect to unix:.*: Connection refused"));
  agent_.listen();
  EXPECT_EQ(rpc::Jobs(node_).run(command({"emit", "x"}), in(seconds(5))).out, "x");
}

TEST_F(ConnectionTest, WaitingCommandIsLostWithTheReasonWhenTheSessionIs) {
  struct Case {
    const char* boot;
    const char* epoch;
    LostReason reason;
  };
  for (Case given : {Case{"boot-1", "0123456789abcdef", LostReason::kSessionExpired},
                     Case{"boot-1", "another epoch...", LostReason::kKeeperRestarted},
                     Case{"boot-2", "third epoch.....", LostReason::kNodeRebooted}}) {
    auto job = rpc::Jobs(node_).start(command({"hang"}), in(seconds(5)));
    agent_.change([&](FakeAgent::Script& script) {
      script.bootId = given.boot;
      script.epoch = given.epoch;
    });
    agent_.forget();
    agent_.drop();
    ASSERT_TRUE(job.pull(PullUntil::kEnded, in(seconds(5))));
    EXPECT_EQ(job.result().outcome, Outcome::lost(given.reason, ""));
    EXPECT_TRUE(agent_.session().jobs.empty()) << "it was started again";
  }
}

// The answer to the first hello was lost, and the session it began ran out.
TEST(FirstSessionTest, OneThatRanOutUnknownIsFollowedByAnother) {
  FakeAgent agent;
  agent.change([](FakeAgent::Script& script) { script.spendNextSession = true; });
  Controller controller{ControllerOptions()};
  ControllerNode& node = controller.connect(agent.description());
  node.awaitConnected(in(seconds(5)));
  EXPECT_EQ(node.state().kind, NodeState::Kind::kConnected) << node.state().lastError;
}

TEST_F(ConnectionTest, PullGivesUpAtItsTimeAndTheCommandGoesOn) {
  auto job = rpc::Jobs(node_).start(command({"hang"}), in(seconds(5)));
  EXPECT_FALSE(job.pull(PullUntil::kEnded, in(milliseconds(50))));
  job.cancel(seconds(0), in(seconds(5)));
  ASSERT_TRUE(job.pull(PullUntil::kEnded, in(seconds(5))));
  EXPECT_EQ(job.result().outcome, Outcome::killed(Outcome::Kind::kCancelled, 0, 15));
}

TEST_F(ConnectionTest, RefusalIsReportedAtOnceAndNotTriedInALoop) {
  node_.awaitConnected(in(seconds(5)));
  agent_.change([](FakeAgent::Script& script) {
    script.refusal = wire::Error::Kind::VERSION_MISMATCH;
    script.refusalText = "the agent speaks version 2; upgrade this program";
  });
  agent_.drop();
  NodeError error = errorOf([&] { rpc::Jobs(node_).run(command({"emit", "x"}), in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kRefused);
  EXPECT_THAT(error.detail(), testing::HasSubstr("upgrade this program"));
  unsigned before = agent_.hellos();
  EXPECT_FALSE(node_.awaitDisconnected(in(milliseconds(100))) && agent_.hellos() > before);
  EXPECT_EQ(agent_.hellos(), before);
  EXPECT_EQ(node_.state().kind, NodeState::Kind::kRefused);
}

TEST_F(ConnectionTest, WhatWasNotGrantedSaysSo) {
  NodeError error = errorOf([&] { rpc::Facts(node_).read(in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kDenied);
  EXPECT_THAT(error.what(), testing::HasSubstr("the agent grants no FactsView to \""));
}

// As an agent does that is older than the service.
TEST_F(ConnectionTest, ServiceThatTheAgentDoesNotHaveIsUnsupported) {
  agent_.change([](FakeAgent::Script& script) { script.role = wire::Role::OBSERVER; });
  agent_.drop();
  NodeError error = errorOf([&] { rpc::Facts(node_).read(in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kUnsupported);
  EXPECT_THAT(error.what(),
              testing::HasSubstr("the agent has no FactsView: it speaks protocol 1."));
  EXPECT_THAT(error.what(), testing::HasSubstr("upgrade it"));
  // What is for another role may well be there.
  error = errorOf([&] { rpc::Files(node_).setMode("/x", 0600, in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kDenied);
}

TEST_F(ConnectionTest, GrantsOfAgentsOldAndNewAreFound) {
  for (auto form : {FakeAgent::GrantForm::kListed, FakeAgent::GrantForm::kField}) {
    agent_.change([form](FakeAgent::Script& script) { script.grantForm = form; });
    agent_.drop();
    EXPECT_EQ(rpc::Jobs(node_).run(command({"emit", "hello"}), in(seconds(5))).out, "hello");
  }
}

TEST_F(ConnectionTest, GrantWithoutACapabilityIsNone) {
  agent_.change([](FakeAgent::Script& script) {
    script.grantForm = FakeAgent::GrantForm::kListedWithoutCapability;
  });
  agent_.drop();
  NodeError error = errorOf([&] { rpc::Jobs(node_).run(command({"emit", "x"}), in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kDenied) << error.what();
  EXPECT_THAT(error.what(), testing::HasSubstr("the agent grants no Jobs to \""));
}

TEST_F(ConnectionTest, CloseReportsWhatRemains) {
  node_.awaitConnected(in(seconds(5)));
  std::vector<Leftover> leftovers = controller_.closeAll(in(seconds(5)));
  ASSERT_EQ(leftovers.size(), 1u);
  EXPECT_EQ(leftovers[0].what, "job 7");
  EXPECT_TRUE(agent_.session().closed);
  NodeError error = errorOf([&] { rpc::Jobs(node_).run(command({"emit", "x"}), in(seconds(5))); });
  EXPECT_THAT(error.detail(), testing::HasSubstr("the connection was closed"));
}

TEST_F(ConnectionTest, CloseOfAnAbsentNodeNamesItsSession) {
  node_.awaitConnected(in(seconds(5)));
  agent_.stopListening();
  agent_.drop();
  std::vector<Leftover> leftovers = controller_.closeAll(in(milliseconds(200)));
  ASSERT_EQ(leftovers.size(), 1u);
  EXPECT_THAT(leftovers[0].what, testing::HasSubstr("session"));
  agent_.listen();
}

TEST_F(ConnectionTest, FanOutGivesAResultOrAnErrorPerNode) {
  FakeAgent other;
  ControllerNode& second = controller_.connect(other.description());
  second.awaitConnected(in(seconds(5)));
  other.stopListening();
  other.drop();
  JobRequest request = command({"emit", "hi"});
  request.options.deadline = milliseconds(300);
  auto answers = rpc::runOnAll({&node_, &second}, request, in(seconds(5)));
  EXPECT_EQ(std::get<muster::Result>(answers[0]).out, "hi");
  EXPECT_EQ(std::get<NodeError>(answers[1]).kind(), NodeError::Kind::kUnreachable);
  other.listen();
}

TEST_F(ConnectionTest, InvalidRequestsAreRefusedHere) {
  JobRequest request = command({"emit", "x"});
  request.options.deadline = seconds(0);
  EXPECT_THAT(errorOf([&] { rpc::Jobs(node_).run(request, in(seconds(5))); }).detail(),
              testing::HasSubstr("deadline: must be positive"));
  EXPECT_EQ(errorOf([&] { rpc::Jobs(node_).run(command({}), in(seconds(5))); }).kind(),
            NodeError::Kind::kInvalid);
}

// The node would end the connection over such a message, and the call would be made again over the
// next one.
TEST_F(ConnectionTest, RequestThatIsTooLargeIsRefusedHereAndTheConnectionStays) {
  JobRequest argv = command(muster::Argv(55, std::string(100'000, 'x')));
  JobRequest environment = command({"emit", ""});
  environment.options.environment["LARGE"] = std::string(5 << 20, 'x');
  JobRequest directory = command({"emit", ""});
  directory.options.directory = std::string(5 << 20, 'x');
  struct Refusal {
    JobRequest request;
    const char* text;
  };
  for (const Refusal& refusal : {Refusal{argv, "argv: more than 1048576 bytes"},
                                 Refusal{environment, "environment: more than 262144 bytes"},
                                 Refusal{directory, "too large to be sent, at most 4194"}}) {
    NodeError error = errorOf([&] { rpc::Jobs(node_).run(refusal.request, in(seconds(5))); });
    EXPECT_EQ(error.kind(), NodeError::Kind::kInvalid) << error.what();
    EXPECT_THAT(error.detail(), testing::HasSubstr(refusal.text));
  }
  EXPECT_EQ(rpc::Jobs(node_).run(command({"emit", "next"}), in(seconds(5))).out, "next");
  EXPECT_EQ(agent_.hellos(), 1u);
}

// A clean-up may begin after the deadline that it follows. What it refers to is on the caller's
// stack, so the caller must not leave before it.
TEST(IoThreadTest, CallThatBeginsAfterItsTimeIsWaitedFor) {
  IoThread io;
  // The loop is busy for as long as a caller who does not wait takes to come back.
  std::promise<void> cameBack;
  auto busy = io.begin([back = cameBack.get_future().share()]() -> kj::Promise<int> {
    back.wait_for(std::chrono::milliseconds(100));
    return 0;
  });
  std::string named = "value";
  auto answer = [&] {
    return io.run([&named]() -> kj::Promise<std::string> { return named; },
                  muster::SteadyTime::clock::now() - std::chrono::hours(1));
  };
  EXPECT_NO_THROW(EXPECT_EQ(answer(), "value"));
  cameBack.set_value();
  busy.wait(muster::SteadyTime::clock::now());
}

TEST(IoThreadTest, LoopThatEndedRefusesInsteadOfHanging) {
  IoThread io;
  auto never = []() -> kj::Promise<void> { return kj::NEVER_DONE; };
  std::thread waiting([&]() { EXPECT_ANY_THROW(io.run(never, in(seconds(30)))); });
  io.run([]() -> kj::Promise<void> { return kj::READY_NOW; }, in(seconds(5)));
  io.stop();
  waiting.join();
  EXPECT_ANY_THROW(io.run(never, in(seconds(30))));
}

}  // namespace
}  // namespace harness
