// Daemons against a scripted agent, whose commands run or end as their names say. That signals and
// files reach real ones is tested in tests_d/muster/agent.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/daemon.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using namespace muster;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

class DaemonTest : public testing::Test {
 protected:
  DaemonTest() {
    ClusterParts parts;
    parts.description.nodes.push_back(agent_.description());
    parts.nodes.push_back(&controller_.connect(agent_.description()));
    parts.machines.powerOn = [this](const std::string&) { return isOff_; };
    cluster_ = ApiAccess::newCluster(std::move(parts));
  }

  Node& node() { return cluster_->nodes()[0]; }
  size_t starts() { return agent_.session().jobs.size(); }
  bool isCancelled(uint64_t number) { return agent_.session().jobs.at(number).cancelled; }

  // What powerOn finds.
  bool isOff_ = true;

  FakeAgent agent_;
  Controller controller_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(DaemonTest, RunsUntilTheEndOfItsScope) {
  {
    Daemon daemon(node(), {"hang"});
    EXPECT_TRUE(daemon.running());
    EXPECT_EQ(daemon.pid(), 4711);
    EXPECT_EQ(daemon.node().name(), "n1");
    EXPECT_FALSE(isCancelled(1));
  }
  EXPECT_TRUE(isCancelled(1));
}

TEST_F(DaemonTest, StartWaitsUntilItIsReady) {
  int looks = 0;
  Daemon daemon(node(), {"hang"}, {.ready = [&](const Node&) { return ++looks == 3; }});
  EXPECT_EQ(looks, 3);
}

TEST_F(DaemonTest, ErrorsOfALookMeanNotYet) {
  int looks = 0;
  auto look = [&](const Node& at) {
    if (++looks < 3) throw NodeError(NodeError::Kind::kNotFound, at.name(), "read", "no file");
    return true;
  };
  Daemon daemon(node(), {"hang"}, {.ready = look});
  EXPECT_EQ(looks, 3);
}

TEST_F(DaemonTest, IsReadyWhenItPrintsWhatIsAwaited) {
  Daemon daemon(node(), {"pour"}, {.ready = Daemon::prints("xxx"), .stopWithin = 0s});
  EXPECT_TRUE(daemon.running());
}

TEST_F(DaemonTest, OneThatEndsBeforeItIsReadySaysWhyAndWhere) {
  auto here = std::source_location::current();
  NodeError error = errorOf([&] { Daemon(node(), {"fail", "no config\n"}); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kCommandFailed);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("node n1: start daemon [\"fail\", \"no config\\n\"]: ended before it "
                              "was ready: exited with status 3\n  stdout:\n    no config"),
                    EndsWith("daemon_test.cc:" + std::to_string(here.line() + 1))));
  error = errorOf([&] { Daemon(node(), {"missing"}); });
  EXPECT_EQ(error.errnoValue(), ENOENT);
  EXPECT_THAT(error.what(), HasSubstr("not started: execute missing: No such file"));
}

TEST_F(DaemonTest, OneThatIsNotReadyInTimeIsEnded) {
  auto never = [](const Node& at) -> bool {
    throw NodeError(NodeError::Kind::kNotFound, at.name(), "read", "no file");
  };
  NodeError error =
      errorOf([&] { Daemon(node(), {"hang"}, {.ready = never, .readyWithin = 60ms}); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("not ready: not seen that its test says so in "),
                                  HasSubstr(" looks within "), HasSubstr("the last look failed: "),
                                  HasSubstr("node n1: read: not found: no file")));
  EXPECT_TRUE(isCancelled(1));
}

// Daemons that need each other are started first and awaited second.
TEST_F(DaemonTest, StartNeedNotWait) {
  bool isReady = false;
  Daemon daemon(node(), {"hang"},
                {.ready = [&](const Node&) { return isReady; }, .readyWithin = 0s});
  EXPECT_EQ(errorOf([&] { daemon.awaitReady(10ms); }).kind(), NodeError::Kind::kTimeout);
  EXPECT_TRUE(daemon.running());
  isReady = true;
  daemon.awaitReady(5s);
}

TEST_F(DaemonTest, MovesWithItsCommand) {
  std::vector<Daemon> daemons;
  for (int i = 0; i < 3; ++i) daemons.emplace_back(node(), Argv{"hang"});
  daemons.erase(daemons.begin());
  EXPECT_TRUE(isCancelled(1));
  EXPECT_FALSE(isCancelled(2) || isCancelled(3));
  EXPECT_TRUE(daemons[1].running());
}

TEST_F(DaemonTest, PowerStartsThoseAgainThatAreMeant) {
  Daemon other(node(), {"hang"});
  {
    Daemon daemon(node(), {"hang"}, {.afterPowerOn = AfterPowerOn::kStartsAgain});
    cluster_->powerOn(node());
    EXPECT_EQ(starts(), 3u);
    EXPECT_TRUE(daemon.running());
  }
  cluster_->powerOn(node());
  EXPECT_EQ(starts(), 3u);
}

TEST_F(DaemonTest, PowerOfANodeThatIsOnLeavesItsDaemonsAlone) {
  Daemon daemon(node(), {"hang"}, {.afterPowerOn = AfterPowerOn::kStartsAgain});
  isOff_ = false;
  cluster_->powerOn(node());
  EXPECT_EQ(starts(), 1u);
  EXPECT_TRUE(daemon.running());
}

TEST_F(DaemonTest, HasNoDeadlineOfTheTest) {
  std::optional<Daemon> daemon;
  {
    DeadlineScope scope(5s);
    daemon.emplace(node(), Argv{"hang"});
  }
  EXPECT_GT(ApiAccess::known(daemon->process()).deadline, 1000h);
}

TEST_F(DaemonTest, EndThatNobodyAskedForIsSaid) {
  testing::internal::CaptureStderr();
  {
    Daemon lost(node(), {"hang"});
    agent_.forget();
    agent_.drop();
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("muster: node n1: daemon [\"hang\"] had ended: lost"));
  testing::internal::CaptureStderr();
  {
    Daemon lost(node(), {"hang"});
    agent_.forget();
    agent_.drop();
    EXPECT_EQ(lost.wait(5s).outcome.kind(), Outcome::Kind::kLost);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

}  // namespace
}  // namespace harness
