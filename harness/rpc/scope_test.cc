// Tries scopes against a scripted agent: what belongs to one, and what ends it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

using muster::NodeError;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

class ScopeTest : public OnFakeAgent {
 protected:
  ScopeHandle begin(const std::string& name) { return controller_.beginScope(name, {}); }

  void run(const std::string& text) {
    rpc::Jobs(node_).run(command({"emit", text}), in(seconds(5)));
  }

  // The node cannot be reached from now on.
  void leave() {
    agent_.stopListening();
    agent_.drop();
    ASSERT_TRUE(node_.awaitDisconnected(in(seconds(5))));
  }

  // Returns the numbers of the commands that belong to no scope.
  std::map<uint64_t, FakeAgent::Job> jobsOfSession() { return agent_.session().jobs; }
};

TEST_F(ScopeTest, CommandsBelongToTheInnermostScope) {
  run("before");
  auto outer = begin("suite A");
  run("outer");
  auto inner = begin("test A.B");
  run("inner");
  EXPECT_THAT(controller_.endScope(inner, in(seconds(5))), IsEmpty());
  run("outer again");
  EXPECT_THAT(controller_.endScope(outer, in(seconds(5))), IsEmpty());
  run("after");
  EXPECT_THAT(jobsOfSession(), ElementsAre(Key(1), Key(5)));
  std::vector<size_t> counts;
  for (const auto& scope : agent_.scopes()) {
    EXPECT_TRUE(scope.closed);
    counts.push_back(scope.jobs.size());
  }
  EXPECT_THAT(counts, testing::UnorderedElementsAre(2, 1));
}

TEST_F(ScopeTest, ScopeThatANodeDoesNotUseIsUnknownToIt) {
  run("before");
  controller_.endScope(begin("test A.B"), in(seconds(5)));
  EXPECT_THAT(agent_.scopes(), IsEmpty());
}

TEST_F(ScopeTest, OtherLifetimesBelongToTheSession) {
  auto scope = begin("test A.B");
  JobRequest request = command({"emit", "x"});
  request.options.lifetime = muster::CommandLifetime::kSession;
  rpc::Jobs(node_).run(request, in(seconds(5)));
  EXPECT_THAT(jobsOfSession(), SizeIs(1));
  EXPECT_THAT(agent_.scopes(), IsEmpty());
}

TEST_F(ScopeTest, EndOfTheOuterEndsTheInner) {
  auto outer = begin("suite A");
  run("outer");
  begin("test A.B");
  run("inner");
  controller_.endScope(outer, in(seconds(5)));
  for (const auto& scope : agent_.scopes()) EXPECT_TRUE(scope.closed);
  EXPECT_THAT(agent_.scopes(), SizeIs(2));
}

TEST_F(ScopeTest, LostConnectionIsEnteredAgain) {
  auto scope = begin("test A.B");
  agent_.change([](FakeAgent::Script& script) { script.dropAfterRun = 3; });
  run("once");
  ASSERT_THAT(agent_.scopes(), SizeIs(1));
  EXPECT_EQ(agent_.scopes()[0].jobs[1].starts, 1u);
  EXPECT_EQ(agent_.scopes()[0].opened, 4u);
}

TEST_F(ScopeTest, CommandOfAnEndedScopeCannotBeAsked) {
  auto scope = begin("test A.B");
  auto job = rpc::Jobs(node_).start(command({"hang"}), in(seconds(5)));
  controller_.endScope(scope, in(seconds(5)));
  NodeError error = errorOf([&] { job.refresh(in(seconds(5))); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kConflict);
  EXPECT_THAT(error.what(), HasSubstr("test A.B has ended"));
}

TEST_F(ScopeTest, LeftoversNameTheScope) {
  agent_.change([](FakeAgent::Script& script) { script.scopeLeftover = "file /x"; });
  auto scope = begin("test A.B");
  run("x");
  auto leftovers = controller_.endScope(scope, in(seconds(5)));
  ASSERT_THAT(leftovers, SizeIs(1));
  EXPECT_EQ(leftovers[0].node, "n1");
  EXPECT_EQ(leftovers[0].what, "test A.B: file /x");
  EXPECT_EQ(leftovers[0].reason, "stuck");
}

// The next scope finds the node as the one before it was to leave it.
TEST_F(ScopeTest, ScopeOfANodeThatWasAwayEndsBeforeTheNextBegins) {
  auto scope = begin("test A.B");
  run("x");
  leave();
  auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(controller_.endScope(scope, in(seconds(30))), IsEmpty());
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(5));
  agent_.change([](FakeAgent::Script& script) { script.scopeLeftover = "file /x"; });
  agent_.listen();
  auto next = begin("test A.C");
  run("y");
  std::vector<bool> closed;
  for (const auto& each : agent_.scopes()) closed.push_back(each.closed);
  EXPECT_THAT(closed, testing::UnorderedElementsAre(true, false));
  agent_.change([](FakeAgent::Script& script) { script.scopeLeftover.clear(); });
  auto leftovers = controller_.endScope(next, in(seconds(5)));
  ASSERT_THAT(leftovers, SizeIs(1));
  EXPECT_EQ(leftovers[0].what, "test A.B: file /x");
}

TEST_F(ScopeTest, EndThatIsNotAnsweredIsReported) {
  auto scope = begin("test A.B");
  run("x");
  agent_.change([](FakeAgent::Script& script) { script.mute = true; });
  auto leftovers = controller_.endScope(scope, in(milliseconds(50)));
  ASSERT_THAT(leftovers, SizeIs(1));
  EXPECT_EQ(leftovers[0].what, "test A.B");
  EXPECT_THAT(leftovers[0].reason, HasSubstr("no answer"));
}

TEST_F(ScopeTest, ScopesOfALostSessionAreGone) {
  auto scope = begin("test A.B");
  run("x");
  agent_.change([](FakeAgent::Script& script) { script.epoch = "another epoch..."; });
  leave();
  agent_.forget();
  agent_.listen();
  run("y");
  ASSERT_THAT(agent_.scopes(), SizeIs(1));
  EXPECT_THAT(agent_.scopes()[0].jobs, ElementsAre(Key(2)));
  EXPECT_THAT(controller_.endScope(scope, in(seconds(5))), IsEmpty());
}

// A command carries the numbers that its own scope has spent, since another one has no such number.
TEST_F(ScopeTest, NumbersAreAcknowledgedInTheirScope) {
  run("first");
  auto scope = begin("test A.B");
  run("second");
  run("third");
  EXPECT_THAT(agent_.scopes()[0].acknowledged, ElementsAre(2));
  controller_.endScope(scope, in(seconds(5)));
  run("fourth");
  EXPECT_THAT(agent_.session().acknowledged, ElementsAre(1));
}

TEST_F(ScopeTest, OldAgentHasTheSessionOnly) {
  agent_.change([](FakeAgent::Script& script) { script.grantForm = FakeAgent::GrantForm::kField; });
  auto scope = begin("test A.B");
  run("x");
  EXPECT_THAT(jobsOfSession(), SizeIs(1));
  EXPECT_THAT(controller_.endScope(scope, in(seconds(5))), IsEmpty());
}

}  // namespace
}  // namespace harness
