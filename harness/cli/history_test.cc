// The commands that show what has been, on runs that were made for it: runs, show, history, query.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/history_words.h"
#include "harness/cli/muster.h"
#include "harness/history/made_runs_testing.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using enum run::Outcome;

struct Ended {
  int status;
  std::string out;
  std::string err;
};

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    runs_.add({.id = "20261201T000001Z-aa",
               .tests = {{}, {.name = "Joins", .outcome = kSkipped}},
               .began = 1'796'083'201'000'000'000});
    runs_.add({.id = "20261201T000002Z-bb",
               .tests = {{.outcome = kFailed, .failure = "lost 3 keys\nof 10"},
                         {.name = "Joins", .outcome = kFailed, .failure = "lost 4 keys\nof 10"}},
               .began = 1'796'083'202'000'000'000});
    std::filesystem::create_symlink("20261201T000002Z-bb", runs_.path() + "/latest");
  }

  Ended muster(std::vector<std::string> words) {
    words.insert(words.begin() + 1, "--runs-dir=" + runs_.path());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    int status = runMuster(words);
    std::string out = testing::internal::GetCapturedStdout();
    return {status, out, testing::internal::GetCapturedStderr()};
  }

  std::string out(const std::vector<std::string>& words) {
    Ended ended = muster(words);
    EXPECT_EQ(ended.status, 0) << ended.err;
    return ended.out;
  }

  Json json(std::vector<std::string> words) {
    words.emplace_back("--json");
    return Json::parse(out(words));
  }

  history::MadeRuns runs_;
};

TEST_F(HistoryTest, RunsAreListedTheNewestFirst) {
  std::string list = out({"runs"});
  EXPECT_LT(list.find("20261201T000002Z-bb"), list.find("20261201T000001Z-aa"));
  EXPECT_THAT(list, AllOf(HasSubstr("2026-12-01 00:00:02Z"), HasSubstr("2 failed"),
                          HasSubstr("1 skipped"), HasSubstr("3fa91c20")));
  Ended limited = muster({"runs", "--limit=1"});
  EXPECT_THAT(limited.err, HasSubstr("1 older ones are not shown"));
  EXPECT_THAT(limited.out, Not(HasSubstr("-aa")));
  Json all = json({"runs"});
  EXPECT_EQ(all["runs"][0]["counts"]["failed"], 2);
  EXPECT_EQ(all["runs"][0]["exit"], 1);
  EXPECT_EQ(all["older"], 0);
}

TEST_F(HistoryTest, ARunIsShownByItsGroupsOfFailures) {
  std::string shown = out({"show"});
  EXPECT_THAT(shown,
              AllOf(HasSubstr("run 20261201T000002Z-bb: ended, exit status 1"),
                    HasSubstr("2 tests at kv_test.cc:42:\n    lost 3 keys\n    of 10\n"),
                    HasSubstr("git: 3fa91c20 (main)"), HasSubstr("KvTest.Heals:KvTest.Joins")));
  EXPECT_THAT(out({"show", "20261201T000001"}), HasSubstr("skipped:\n  kvd/KvTest.Joins"));
  Json run = json({"show", runs_.pathOf("20261201T000002Z-bb")});
  EXPECT_EQ(run["groups"][0]["text"], "lost <n> keys\nof <n>");
  EXPECT_EQ(run["tests"].size(), 2u);
}

TEST_F(HistoryTest, ATestIsShownWithItsAttempts) {
  std::string shown = out({"show", "latest", "KvTest.Heals"});
  EXPECT_THAT(shown,
              AllOf(StartsWith("kvd/KvTest.Heals (kv_test.cc:30) in run 20261201T000002Z-bb"),
                    HasSubstr("attempt 1: failed, 1.00 s"), HasSubstr("kv_test.cc:42:\n"),
                    HasSubstr("nodes: server1, server2"), HasSubstr("step cut the link"),
                    HasSubstr("command server1: kvctl status"),
                    HasSubstr("server1 kvd.log: lost the leader"),
                    HasSubstr("kvd_tests/kvd.log  2.0 KiB")));
  EXPECT_EQ(out({"show", "Heals"}), shown) << "a word that names no run is a test of the latest";
  Json test = json({"show", "latest", "Heals"});
  EXPECT_EQ(test["attempts"][0]["events"][1]["text"], "kvctl status");
  Ended wrong = muster({"show", "latest", "KvTest.Heal"});
  EXPECT_EQ(wrong.status, 66);
  EXPECT_THAT(wrong.err, HasSubstr("the nearest are KvTest.Heals"));
  EXPECT_EQ(muster({"show", "nothing-like-it"}).status, 66);
}

TEST_F(HistoryTest, HistoryOfATestHasALineForEachRun) {
  std::string shown = out({"history", "Heals"});
  EXPECT_THAT(shown, AllOf(HasSubstr("2 runs: 1 passed, 1 failed"), HasSubstr("regressed"),
                           HasSubstr("flaky: 1 of 2 runs, 50.0 %"), HasSubstr("lost 3 keys")));
  Json history = json({"history", "KvTest.Heals"});
  EXPECT_EQ(history["runs"][0]["transition"], "regressed");
  EXPECT_EQ(history["runs"][1]["transition"], "new");
  EXPECT_EQ(history["gone_since"], nullptr);
  EXPECT_THAT(out({"history"}), HasSubstr("2 tests at kv_test.cc:42"));
  EXPECT_EQ(muster({"history", "Nope"}).status, 66);
}

TEST_F(HistoryTest, ChangesNameTheRunsBetweenWhichTheyBegan) {
  for (int i = 0; i < 40; ++i) {
    bool isBroken = i >= 20;
    std::string number = std::to_string(100 + i);
    runs_.add({.id = "r" + number,
               .tests = {{.name = "Late",
                          .outcome = isBroken ? kFailed : kPassed,
                          .failure = isBroken ? "late" : ""}},
               .revision = number,
               .began = 1'796'090'000'000'000'000 + int64_t{i} * 1'000'000'000});
  }
  EXPECT_THAT(out({"history", "Late"}),
              AllOf(HasSubstr("fails more often: 0.0 % of runs before, 100.0 % after"),
                    HasSubstr("began between run r11")));
  EXPECT_THAT(out({"history", "Heals"}), HasSubstr("gone since run r100"));
}

TEST_F(HistoryTest, QueriesReadTablesAndNothingElse) {
  EXPECT_THAT(out({"query", "SELECT id, tests FROM runs ORDER BY id"}),
              HasSubstr("20261201T000001Z-aa  2"));
  EXPECT_EQ(out({"query", "--csv", "SELECT 'a,b' AS x, '\"' AS y, NULL AS z"}),
            "x,y,z\r\n\"a,b\",\"\"\"\",\r\n");
  Json result = json({"query", "SELECT count(*) AS runs FROM runs"});
  EXPECT_EQ(result["rows"][0][0], 2);
  EXPECT_EQ(result["columns"][0], "runs");
  EXPECT_THAT(muster({"query", "SELECT id FROM runs", "--rows=1"}).err,
              HasSubstr("only the first 1 rows"));
  Ended refused = muster({"query", "DELETE FROM runs"});
  EXPECT_EQ(refused.status, 64);
  EXPECT_THAT(refused.err, HasSubstr("not authorized"));
}

TEST_F(HistoryTest, PruneNeedsLimitsAndKeepsWhatIsPinned) {
  EXPECT_EQ(muster({"runs", "--prune"}).status, 64);
  EXPECT_EQ(muster({"runs", "--keep=1"}).status, 64);
  EXPECT_EQ(muster({"runs", "--prune", "--pin=latest"}).status, 64);
  EXPECT_EQ(muster({"runs", "--max-size=5 apples"}).status, 64);
  out({"runs", "--pin=20261201T000001", "--reason=release 1"});
  EXPECT_THAT(out({"runs"}), HasSubstr("ended, pinned: release 1"));
  EXPECT_THAT(out({"runs", "--prune", "--keep=0", "--dry-run"}),
              AllOf(HasSubstr("20261201T000002Z-bb ("), HasSubstr("would be removed"),
                    Not(HasSubstr("-aa"))));
  EXPECT_THAT(out({"runs", "--prune", "--keep=0"}),
              AllOf(HasSubstr("-bb"), HasSubstr(": removed"), HasSubstr("1 runs stay")));
  EXPECT_THAT(out({"runs"}), AllOf(HasSubstr("-aa"), Not(HasSubstr("-bb"))));
  EXPECT_FALSE(std::filesystem::is_symlink(runs_.path() + "/latest"));
  out({"runs", "--unpin=20261201T000001Z-aa"});
  runs_.add({.id = "old", .tests = {{}}, .began = 1'000'000'000'000'000'000});
  Json pruned = json({"runs", "--prune", "--older-than=5000d"});
  ASSERT_EQ(pruned["runs"].size(), 1u);
  EXPECT_EQ(pruned["runs"][0]["run"], "old");
  EXPECT_EQ(pruned["runs"][0]["removed"], true);
}

TEST_F(HistoryTest, ADirectoryWithoutRunsIsSaid) {
  Ended ended = muster({"runs", "--runs-dir=/nowhere"});
  EXPECT_EQ(ended.status, 66);
  EXPECT_THAT(ended.err, HasSubstr("there is no directory of runs /nowhere"));
}

}  // namespace
}  // namespace harness
