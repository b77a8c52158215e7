#include "harness/history/attempt_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/history/made_runs_testing.h"

namespace harness::history {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(AttemptEventsTest, HasStepsLogsAndArtifactsOfTheAttempt) {
  MadeRuns runs;
  runs.add({.id = "r1",
            .tests = {{.outcome = run::Outcome::kFailed, .failure = "lost"}, {.name = "Joins"}}});
  run::RunRecord record = run::readRun(runs.pathOf("r1"));
  run::RunResult result = run::resultOf(record);
  AttemptEvents all = eventsOf(record, result.tests[0].attempts[0]);
  ASSERT_THAT(all.events, SizeIs(2));
  EXPECT_EQ(all.events[0].kind, "step");
  EXPECT_EQ(all.events[0].depth, 0);
  EXPECT_EQ(all.events[1].text, "kvctl status");
  EXPECT_EQ(all.events[1].node, "server1");
  EXPECT_EQ(all.events[1].depth, 1);
  EXPECT_EQ(all.events[1].outcome, "exit status 1");
  EXPECT_GE(all.events[1].begin, all.events[0].begin);
  EXPECT_GE(all.events[1].length, 0);
  ASSERT_THAT(all.lines, SizeIs(1));
  EXPECT_EQ(all.lines[0].text, "lost the leader");
  EXPECT_EQ(all.lines[0].source, "kvd.log");
  ASSERT_THAT(all.artifacts, SizeIs(1));
  EXPECT_EQ(all.artifacts[0].path, "kvd_tests/kvd.log");
  EXPECT_EQ(all.artifacts[0].bytes, 2048);
  EXPECT_THAT(eventsOf(record, result.tests[1].attempts[0]).artifacts, IsEmpty());
  EXPECT_THAT(eventsOf(record, {}).events, IsEmpty());
  EXPECT_THAT(artifactsOutsideTests(record), IsEmpty());
}

}  // namespace
}  // namespace harness::history
