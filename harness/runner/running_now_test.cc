#include "harness/runner/running_now.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::runner {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

RunningNow heals() {
  return {.test = "kvd/KvTest.Heals",
          .program = "kvd",
          .pid = 4711,
          .elapsed = 12340ms,
          .nodes = {"server1", "server2"},
          .step = LiveStep{.kind = "command", .node = "server1", .text = "kvctl join server2"},
          .stepElapsed = 3s,
          .limits = {{"the time of the test", 10min, 12s}, {"", 0s, 20s}},
          .output = "one\ntwo\n"};
}

TEST(RunningTextTest, TellsTheTestItsProcessNodesLastStepLimitsAndOutput) {
  EXPECT_EQ(runningText(heals()),
            "kvd/KvTest.Heals, for 12.3 s, process 4711, on server1, server2\n"
            "  last command on server1: kvctl join server2, for 3 s\n"
            "  limits: the time of the test 10:00, of which 9:48 are left\n"
            "  it has printed last:\n"
            "    one\n"
            "    two\n");
}

TEST(RunningTextTest, StepThatHasEndedTellsItsOutcome) {
  RunningNow now = heals();
  now.step->hasEnded = true;
  now.step->outcome = "exit status 3";
  EXPECT_THAT(runningText(now), HasSubstr("join server2, which has ended: exit status 3\n"));
}

TEST(RunningTextTest, WithoutATestTheProgramIsNamed) {
  RunningNow now{.program = "kvd", .pid = 4711, .elapsed = 1s};
  EXPECT_EQ(runningText(now),
            "kvd: no test runs, for 1 s, process 4711\n  it has printed nothing\n");
}

TEST(RunningTextTest, OutputIsBoundedAndPrintable) {
  RunningNow now = heals();
  now.output.clear();
  for (int i = 0; i < 30; ++i) now.output += "line " + std::to_string(i) + "\n";
  now.output += "\x1b[31m" + std::string(10'000, 'x');
  std::string text = runningText(now);
  EXPECT_THAT(text, Not(HasSubstr("line 22\n")));
  EXPECT_THAT(text, HasSubstr("line 23\n"));
  EXPECT_THAT(text, HasSubstr("\\x1b[31mxxx"));
  EXPECT_LT(text.size(), 1000U);
}

TEST(RunningTextTest, MakingOfNodesStandsInThePlaceOfATest) {
  run::NodesMaking making{.cluster = "run-4711", .ready = 3, .nodes = 5};
  RunningNow now{.program = "kvd", .pid = 4712, .work = makingText(making), .workElapsed = 4210ms};
  EXPECT_EQ(workText(now), "making cluster run-4711: 3 of 5 nodes, 4.2 s");
  EXPECT_EQ(runningText(now), "kvd: making cluster run-4711: 3 of 5 nodes, 4.2 s, process 4712\n");
  making.ready.reset();
  EXPECT_EQ(makingText(making), "making cluster run-4711 of 5 nodes");
}

TEST(RunningTextTest, TestThatMakesNodesTellsBoth) {
  RunningNow now = heals();
  now.work = "making cluster run-4711 of 1 node";
  now.workElapsed = 1s;
  EXPECT_THAT(runningText(now), HasSubstr("kvd/KvTest.Heals, for 12.3 s"));
  EXPECT_THAT(runningText(now), HasSubstr("\n  making cluster run-4711 of 1 node, 1 s\n"));
}

}  // namespace
}  // namespace harness::runner
