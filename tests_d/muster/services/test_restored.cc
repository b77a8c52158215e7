// What a test does to services is undone at its end, as it was before the test's first change.
#include <csignal>
#include <string>

#include <muster/muster.h>

#include "tests_d/muster/services/component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using State = ServiceStatus::State;
using Enabled = ServiceStatus::Enabled;

// Whether an earlier test of the suite was run.
bool changed = false;

// The services "on" and "off" are what their names say, for the whole suite.
class RestoredTest : public ClusterTest {
 public:
  static Node& node() { return servers()[0]; }
  static Service on() { return node().service("on"); }
  static Service off() { return node().service("off"); }

  static void SetUpTestSuite() {
    for (const char* name : {"on", "off", "kept"}) services_tests::installScript(node(), name);
    on().start();
  }
};

TEST_F(RestoredTest, TestStartsAndStopsServices) {
  changed = true;
  EXPECT_FALSE(on().stop().running());
  EXPECT_TRUE(off().start().running());
  EXPECT_TRUE(off().restart().running());
  node().service("kept").start(UndoAt::kNever);
}

TEST_F(RestoredTest, NextTestFindsThemAsTheyWere) {
  if (!changed) GTEST_SKIP() << "the test before this one was not run";
  EXPECT_TRUE(on().status().running());
  EXPECT_EQ(off().status().state, State::kStopped);
  EXPECT_TRUE(node().service("kept").status().running());
}

TEST_F(RestoredTest, RestartOfARunningServiceLeavesItRunning) {
  EXPECT_TRUE(on().restart().running());
}

// The session is lost with its agent, so what the suite did is undone as well.
TEST_F(RestoredTest, KilledAgentPutsThemBackAtItsStart) {
  Service kept = node().service("kept");
  kept.start(UndoAt::kNever);
  kept.stop();
  off().start();
  uint32_t before = node().state().reconnects;
  node().run({"pkill", "-KILL", "-f", "--", "nodeagent"});
  EXPECT_THAT([&] { return node().state().reconnects; },
              Eventually(testing::Gt(before), 20s, 20ms));
  EXPECT_THAT([&] { return off().status().state; }, Eventually(State::kStopped, 20s));
  EXPECT_THAT([&] { return kept.status().running(); }, Eventually(true, 20s));
  EXPECT_THAT([&] { return on().status().state; }, Eventually(State::kStopped, 20s));
}

TEST_F(RestoredTest, ScriptWithoutAStatusIsRefusedUnlessItsChangeIsKept) {
  node().file("/etc/init.d/mute").write("#!/bin/sh\ntest $1 = start || exit 5\n", {.mode = 0755});
  Service mute = node().service("mute");
  EXPECT_THAT([&] { mute.start(); },
              FailsWith(NodeError::Kind::kUnsupported,
                        testing::HasSubstr("does not tell whether it runs")));
  EXPECT_EQ(mute.start(UndoAt::kNever).state, State::kUnspecified);
}

class RestoredUnitTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"client", 1}}, .init = NeedsInit::kSystemd}; }
  static Service lamp() { return clients()[0].service("lamp"); }
  static Service spare() { return clients()[0].service("spare"); }

  static void SetUpTestSuite() {
    for (const char* unit : {"lamp.service", "spare.service"}) {
      services_tests::installUnit(clients()[0], unit, services_tests::kIdle);
    }
    lamp().start();
    lamp().enable();
  }
};

TEST_F(RestoredUnitTest, TestChangesStateAndBoot) {
  lamp().stop();
  lamp().disable();
  EXPECT_EQ(lamp().mask().enabled, Enabled::kMasked);
  EXPECT_EQ(spare().enable().enabled, Enabled::kEnabled);
  EXPECT_TRUE(spare().start().running());
  spare().kill(SIGABRT);
  EXPECT_THAT([] { return spare().status().state; }, Eventually(State::kFailed, 10s));
}

TEST_F(RestoredUnitTest, NextTestFindsBothAsTheyWere) {
  EXPECT_TRUE(lamp().status().running());
  EXPECT_EQ(lamp().status().enabled, Enabled::kEnabled);
  EXPECT_EQ(spare().status().state, State::kStopped);
  EXPECT_EQ(spare().status().enabled, Enabled::kDisabled);
}

}  // namespace
