// Events of a scripted agent, over connections that are lost.
#include "harness/rpc/sync/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using namespace std::chrono_literals;
using muster::NodeError;
using testing::HasSubstr;

class SyncTest : public testing::Test {
 protected:
  SyncTest() {
    agent_.change([](auto& script) { script.grantsSync = true; });
    node_ = &controller_.connect(agent_.description());
    node_->awaitConnected(in(5s));
    sync_ = std::make_unique<rpc::Sync>(std::vector<ControllerNode*>{node_});
  }

  uint64_t wait(const std::string& name, std::chrono::nanoseconds within = 5s) {
    return sync_->wait(name, in(within), within).order;
  }

  FakeAgent agent_;
  Controller controller_;
  ControllerNode* node_ = nullptr;
  std::unique_ptr<rpc::Sync> sync_;
};

TEST_F(SyncTest, EventsAreTakenOnceAndAcknowledged) {
  for (uint64_t i = 1; i <= 3; ++i) {
    agent_.say("tick");
    EXPECT_EQ(wait("tick"), i);
  }
  agent_.say("end");
  EXPECT_EQ(wait("end"), 4u);
  EXPECT_THAT(agent_.pulls(), testing::Contains(3u));
}

TEST_F(SyncTest, NothingIsMissedOrTwiceWhenConnectionsAreLost) {
  for (uint64_t i = 1; i <= 20; i += 2) {
    agent_.say("tick");
    agent_.drop();
    agent_.say("tick");
    EXPECT_EQ(wait("tick"), i);
    EXPECT_EQ(wait("tick"), i + 1);
  }
}

// The records of a new session are counted anew.
TEST_F(SyncTest, EventsOfTheNextSessionCome) {
  agent_.say("tick");
  agent_.say("tick");
  EXPECT_EQ(wait("tick"), 1u);
  EXPECT_EQ(wait("tick"), 2u);
  agent_.forget();
  agent_.drop();
  node_->awaitConnected(in(5s));
  agent_.say("tick");
  EXPECT_EQ(wait("tick"), 3u);
}

TEST_F(SyncTest, WaitThatIsOverTakesNoEvent) {
  NodeError error = errorOf([&] { wait("tick", 10ms); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("no event has come"));
  agent_.say("tick");
  EXPECT_EQ(wait("tick"), 1u);
}

TEST_F(SyncTest, WaitEndsWhenCallsAreRefused) {
  controller_.refuseCalls("cancelled: SIGINT");
  EXPECT_EQ(errorOf([&] { wait("tick"); }).kind(), NodeError::Kind::kCancelled);
  controller_.allowCalls();
  agent_.say("tick");
  EXPECT_EQ(wait("tick"), 1u);
}

// Its commands cannot be heard, and everything else works.
TEST_F(SyncTest, AgentWithoutEventsIsSaid) {
  FakeAgent older;
  ControllerNode& node = controller_.connect(older.description());
  node.awaitConnected(in(5s));
  rpc::Sync sync({&node});
  std::string said;
  for (int i = 0; i < 100 && said.find("do not reach") == std::string::npos; ++i) {
    said = errorOf([&] { sync.wait("tick", in(10ms), 10ms); }).what();
  }
  EXPECT_THAT(said, HasSubstr("node n1: its commands do not reach the test"));
}

// The question at the end of a test overtakes the one that waits, whose answer then brings the same
// records again.
TEST_F(SyncTest, TestThatEndsTakesWhatHasComeMeanwhile) {
  sync_->beginTest();
  agent_.say("tick");
  wait("tick");
  agent_.change([](auto& script) { script.holdsEvents = true; });
  agent_.say("late");
  sync_->endTest(in(5s));
  agent_.change([](auto& script) { script.holdsEvents = false; });
  agent_.say("next");
  wait("next");
  EXPECT_EQ(errorOf([&] { wait("late", 10ms); }).kind(), NodeError::Kind::kTimeout);
}

}  // namespace
}  // namespace harness
