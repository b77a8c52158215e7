#include "harness/history/retention.h"

#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/history/indexed_run.h"
#include "harness/history/made_runs_testing.h"

namespace harness::history {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr int64_t kHour = 3'600'000'000'000;

// Five runs, an hour apart and of 10 bytes each; the newest is an hour old.
std::vector<StoredRun> fiveRuns() {
  std::vector<StoredRun> runs;
  for (int i = 1; i <= 5; ++i) {
    runs.push_back({.id = "r" + std::to_string(i), .began = i * kHour, .bytes = 10});
  }
  return runs;
}

std::vector<std::string> removed(const std::vector<StoredRun>& runs,
                                 const RetentionLimits& limits) {
  std::vector<std::string> ids;
  for (const StoredRun& run : planOf(runs, limits, 6 * kHour).removed) ids.push_back(run.id);
  return ids;
}

TEST(RetentionPlanTest, LimitsNameTheOldest) {
  EXPECT_THAT(removed(fiveRuns(), {.keep = 3}), ElementsAre("r1", "r2"));
  EXPECT_THAT(removed(fiveRuns(), {.keep = 9}), IsEmpty());
  EXPECT_THAT(removed(fiveRuns(), {.olderThan = 150min}), ElementsAre("r1", "r2", "r3"));
  EXPECT_THAT(removed(fiveRuns(), {.keep = 4, .olderThan = 150min}), ElementsAre("r1"));
  EXPECT_THAT(removed(fiveRuns(), {.bytesMost = 25}), ElementsAre("r1", "r2", "r3"));
  EXPECT_THAT(removed(fiveRuns(), {.bytesMost = 50}), IsEmpty());
  EXPECT_THAT(removed(fiveRuns(), {.keep = 4, .bytesMost = 0}), ElementsAre("r1"));
  EXPECT_THAT(removed(fiveRuns(), {.olderThan = 270min, .bytesMost = 35}), ElementsAre("r1", "r2"));
  EXPECT_EQ(planOf(fiveRuns(), {.keep = 3}, 6 * kHour).bytesLeft, 30u);
}

TEST(RetentionPlanTest, RunningAndPinnedRunsStay) {
  std::vector<StoredRun> runs = fiveRuns();
  runs[0].isPinned = true;
  runs[1].isRunning = true;
  EXPECT_THAT(removed(runs, {.keep = 0}), ElementsAre("r3", "r4", "r5"));
  EXPECT_THAT(removed(runs, {.bytesMost = 0}), ElementsAre("r3", "r4", "r5"));
  EXPECT_THAT(removed(runs, {.olderThan = 1ns}), ElementsAre("r3", "r4", "r5"));
}

class RemovalTest : public ::testing::Test {
 protected:
  RemovalTest() { runs_.add({.id = "r1", .tests = {{}}}); }
  bool isThere() const { return std::filesystem::exists(runs_.recordOf("r1")); }

  MadeRuns runs_;
};

TEST_F(RemovalTest, RemovesTheWholeDirectory) {
  EXPECT_GT(sizeOf(runs_.pathOf("r1")), 0u);
  EXPECT_EQ(removeRun(runs_.path(), "r1"), Removal::kRemoved);
  EXPECT_THAT(namesIn(runs_.path()), IsEmpty());
  EXPECT_EQ(removeRun(runs_.path(), "r1"), Removal::kGone);
}

TEST_F(RemovalTest, APinnedRunStays) {
  pin(runs_.pathOf("r1"), "release 1");
  EXPECT_EQ(pinOf(runs_.pathOf("r1")), "release 1");
  EXPECT_EQ(removeRun(runs_.path(), "r1"), Removal::kPinned);
  EXPECT_TRUE(isThere());
  unpin(runs_.pathOf("r1"));
  unpin(runs_.pathOf("r1"));
  EXPECT_EQ(removeRun(runs_.path(), "r1"), Removal::kRemoved);
}

TEST_F(RemovalTest, ARunThatGoesOnStays) {
  Pipe go = makePipe();
  Pipe ready = makePipe();
  pid_t child = ::fork();
  if (child == 0) {
    run::RecordWriter writer(run::recordPath(runs_.pathOf("r1"), "other-2"), {{"run", "r1"}});
    char byte = 0;
    bool isTold =
        ::write(ready.writeEnd.get(), &byte, 1) == 1 && ::read(go.readEnd.get(), &byte, 1);
    ::_exit(isTold ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready.readEnd.get(), &byte, 1), 1);
  EXPECT_TRUE(isRunning(runs_.pathOf("r1")));
  EXPECT_EQ(removeRun(runs_.path(), "r1"), Removal::kRunning);
  EXPECT_TRUE(isThere());
  ASSERT_EQ(::write(go.writeEnd.get(), &byte, 1), 1);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(removeRun(runs_.path(), "r1"), Removal::kRemoved);
}

// What a crash between the renaming and the removal leaves.
TEST_F(RemovalTest, SweepEndsWhatWasInterrupted) {
  std::filesystem::rename(runs_.pathOf("r1"), runs_.path() + "/.removed-r1-77");
  std::filesystem::create_symlink("r1", runs_.path() + "/latest");
  sweep(runs_.path());
  EXPECT_THAT(namesIn(runs_.path()), IsEmpty());
  runs_.add({.id = "r2", .tests = {{}}});
  std::filesystem::create_symlink("r2", runs_.path() + "/latest");
  sweep(runs_.path());
  EXPECT_THAT(namesIn(runs_.path()), ElementsAre("latest", "r2"));
}

}  // namespace
}  // namespace harness::history
