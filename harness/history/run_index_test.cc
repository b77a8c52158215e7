// The index follows directories of runs, whatever becomes of them and of its own file.
#include "harness/history/run_index.h"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/history/index_queries.h"
#include "harness/history/made_runs_testing.h"

namespace harness::history {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum run::Outcome;

class RunIndexTest : public ::testing::Test {
 protected:
  RunIndexTest() {
    runs_.add({.id = "r1", .tests = {{}, {.name = "Joins"}}, .began = 1'000'000'000});
    runs_.add({.id = "r2",
               .tests = {{.outcome = kFailed, .failure = "lost 3 keys"}, {.name = "Joins"}},
               .began = 2'000'000'000});
  }

  // Returns the ids of the runs in the index, the newest first, after a refresh.
  std::vector<std::string> ids() {
    std::vector<std::string> found;
    withIndex(runs_.path(), [&](RunIndex& index) {
      found.clear();
      for (const RunRow& row : runsOf(index.database(), 0)) found.push_back(row.id);
    });
    return found;
  }

  std::vector<ResultRow> results(const std::string& test = "kvd/KvTest.Heals") {
    std::vector<ResultRow> rows;
    withIndex(runs_.path(), [&](RunIndex& index) { rows = resultsOf(index.database(), test); });
    return rows;
  }

  std::string file() const { return runs_.path() + "/" + kIndexFile; }

  MadeRuns runs_;
};

TEST_F(RunIndexTest, HasWhatTheRecordsSay) {
  RunIndex index(runs_.path());
  EXPECT_EQ(index.refresh().read, 2u);
  std::vector<RunRow> rows = runsOf(index.database(), 0);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].id, "r2");
  EXPECT_EQ(rows[0].state, RunState::kEnded) << rows[0].problem;
  EXPECT_EQ(rows[0].exitStatus, 1);
  EXPECT_EQ(rows[0].counts["failed"], 1u);
  EXPECT_EQ(rows[0].counts["passed"], 1u);
  EXPECT_EQ(rows[0].revision, "3fa91c20");
  EXPECT_EQ(rows[0].command, "muster run");
  EXPECT_THAT(testsOf(index.database()), ElementsAre("kvd/KvTest.Heals", "kvd/KvTest.Joins"));
  std::vector<ResultRow> history = resultsOf(index.database(), "kvd/KvTest.Heals");
  ASSERT_THAT(history, SizeIs(2));
  EXPECT_EQ(history[0].outcome, kPassed);
  EXPECT_EQ(history[1].failure, "lost 3 keys");
  EXPECT_EQ(history[1].place, "kv_test.cc:42");
  auto failures = firstFailuresOf(index.database(), 1);
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_EQ(failures[0].test, "kvd/KvTest.Heals");
}

TEST_F(RunIndexTest, ReadsOnlyWhatHasChanged) {
  RunIndex index(runs_.path());
  index.refresh();
  EXPECT_EQ(index.refresh().read, 0u);
  runs_.add({.id = "r3", .tests = {{}}});
  EXPECT_EQ(index.refresh().read, 1u);
  std::ofstream(runs_.recordOf("r3"), std::ios::app) << "{\"n\":99}\n";
  EXPECT_EQ(index.refresh().read, 1u);
  EXPECT_EQ(runsOf(index.database(), 1)[0].state, RunState::kDamaged);
}

TEST_F(RunIndexTest, RemovedRunsAndTheirTestsAreGone) {
  runs_.add({.id = "r3", .tests = {{.name = "Gone"}}});
  EXPECT_THAT(ids(), ElementsAre("r3", "r2", "r1"));
  runs_.remove("r3");
  EXPECT_THAT(ids(), ElementsAre("r2", "r1"));
  RunIndex index(runs_.path());
  EXPECT_THAT(testsOf(index.database()), ElementsAre("kvd/KvTest.Heals", "kvd/KvTest.Joins"));
}

TEST_F(RunIndexTest, DamagedRunsAreShownAsSuch) {
  runs_.add({.id = "r3", .tests = {{}}, .began = 3'000'000'000, .isClosed = false});
  makeDirectories(runs_.pathOf("r4") + "/records");
  makeDirectories(runs_.pathOf("r5") + "/records");
  std::ofstream(runs_.recordOf("r5")) << "\xff\x01 no record\n{\"role\":7,\"run\":[]}\n[";
  makeDirectories(runs_.pathOf("no-run"));
  RunIndex index(runs_.path());
  index.refresh();
  std::map<std::string, RunRow> rows;
  for (RunRow& row : runsOf(index.database(), 0)) rows[row.id] = row;
  EXPECT_THAT(rows, SizeIs(5));
  EXPECT_EQ(rows["r3"].state, RunState::kDamaged);
  EXPECT_THAT(rows["r3"].problem, HasSubstr("its writer was killed"));
  EXPECT_EQ(rows["r3"].counts["passed"], 1u) << "what is there counts";
  EXPECT_EQ(rows["r4"].state, RunState::kDamaged);
  EXPECT_THAT(rows["r4"].problem, HasSubstr("read the records in"));
  EXPECT_EQ(rows["r5"].state, RunState::kDamaged);
  EXPECT_EQ(rows["r1"].state, RunState::kEnded);
}

TEST_F(RunIndexTest, FollowsARunThatGoesOn) {
  Pipe go = makePipe();
  Pipe ready = makePipe();
  pid_t child = ::fork();
  if (child == 0) {
    run::makeRunDirectory(runs_.pathOf("r3"), "r3");
    run::RecordWriter writer(runs_.recordOf("r3"), {{"role", "program"}, {"run", "r3"}});
    char byte = 0;
    bool isTold =
        ::write(ready.writeEnd.get(), &byte, 1) == 1 && ::read(go.readEnd.get(), &byte, 1);
    ::_exit(isTold ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready.readEnd.get(), &byte, 1), 1);
  RunIndex index(runs_.path());
  index.refresh();
  EXPECT_EQ(runsOf(index.database(), 1)[0].state, RunState::kRunning);
  ASSERT_EQ(::write(go.writeEnd.get(), &byte, 1), 1);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(index.refresh().read, 1u) << "its record has not changed, but its writer is gone";
  EXPECT_EQ(runsOf(index.database(), 1)[0].state, RunState::kDamaged);
}

TEST_F(RunIndexTest, IsMadeAgainIfItWasDeleted) {
  EXPECT_THAT(ids(), SizeIs(2));
  std::string journal;
  {
    RunIndex open(runs_.path());
    runs_.add({.id = "r3", .tests = {{}}});
    open.refresh();
    journal = readFile(file() + "-wal");
  }
  ASSERT_FALSE(journal.empty());
  runs_.remove("r3");
  for (bool isWithJournal : {false, true}) {
    std::filesystem::remove(file());
    if (isWithJournal) putFile(file() + "-wal", journal, 0644);
    EXPECT_THAT(ids(), ElementsAre("r2", "r1"));
    EXPECT_THAT(results(), SizeIs(2));
  }
}

// Damages a file at every place that a page has, and what a reader finds first.
TEST_F(RunIndexTest, IsMadeAgainIfItWasDamaged) {
  EXPECT_THAT(ids(), SizeIs(2));
  const std::string whole = readFile(file());
  ASSERT_GT(whole.size(), 8192u);
  for (size_t at : {size_t{0}, size_t{20}, size_t{100}, size_t{4096}, whole.size() / 2}) {
    std::string damaged = whole;
    for (size_t i = at; i < damaged.size(); ++i) damaged[i] = static_cast<char>(0xA5 + i % 7);
    putFile(file(), damaged, 0644);
    EXPECT_THAT(ids(), ElementsAre("r2", "r1")) << "damaged from byte " << at;
    EXPECT_THAT(results(), SizeIs(2)) << "damaged from byte " << at;
  }
}

TEST_F(RunIndexTest, IsMadeAgainIfItWasHalfWritten) {
  EXPECT_THAT(ids(), SizeIs(2));
  const std::string whole = readFile(file());
  for (size_t size : {size_t{0}, size_t{1}, size_t{99}, size_t{4096}, size_t{6000},
                      whole.size() - 4096, whole.size() - 1}) {
    putFile(file(), whole.substr(0, size), 0644);
    EXPECT_THAT(ids(), ElementsAre("r2", "r1")) << size << " bytes";
    EXPECT_THAT(results(), SizeIs(2)) << size << " bytes";
  }
}

TEST_F(RunIndexTest, IsMadeAgainForOtherTables) {
  EXPECT_THAT(ids(), SizeIs(2));
  RunIndex(runs_.path()).database().execute("DROP TABLE results; PRAGMA user_version = 999");
  EXPECT_THAT(results(), SizeIs(2));
  std::filesystem::remove(file());
  Database(file(), Database::Access::kReadAndWrite).execute("CREATE TABLE theirs (a)");
  EXPECT_THAT(results(), SizeIs(2));
}

TEST_F(RunIndexTest, HasNoStraysAfterAnError) {
  RunIndex index(runs_.path());
  index.refresh();
  EXPECT_THROW(index.database().transaction([&] {
    index.database().execute("DELETE FROM runs");
    throw SystemError("cut off");
  }),
               SystemError);
  EXPECT_THAT(runsOf(index.database(), 0), SizeIs(2));
}

// Each process finds the index missing or damaged, or written by another one.
TEST_F(RunIndexTest, TwoIndexersAtOnceAgree) {
  for (int i = 0; i < 30; ++i) {
    runs_.add({.id = "s" + std::to_string(i), .tests = {{}, {.name = "Joins"}}});
  }
  for (bool isDamaged : {false, true}) {
    if (isDamaged) putFile(file(), "no index", 0644);
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      children.push_back(::fork());
      if (children.back() != 0) continue;
      bool isRight = false;
      try {
        isRight = ids().size() == 32 && results().size() == 32;
      } catch (const std::exception& error) {
        ::_exit(std::string(error.what()).size() > 0 ? 2 : 3);
      }
      ::_exit(isRight ? 0 : 1);
    }
    for (pid_t child : children) {
      int status = -1;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_EQ(status, 0) << "damaged " << isDamaged;
    }
    EXPECT_THAT(ids(), SizeIs(32));
    std::filesystem::remove(file());
  }
}

TEST_F(RunIndexTest, NamesADirectoryThatIsNotThere) {
  EXPECT_THROW(RunIndex("/nowhere/muster-runs"), SystemError);
}

TEST_F(RunIndexTest, KnowsPinsAndAttemptsThatDiffer) {
  runs_.add({.id = "r3",
             .tests = {{.outcome = kFailed, .failure = "lost"}, {.attempt = 2}},
             .began = 3'000'000'000});
  putFile(runs_.pathOf("r1") + "/" + kPinnedFile, "release 1\n", 0644);
  RunIndex index(runs_.path());
  index.refresh();
  EXPECT_EQ(runsOf(index.database(), 0).back().pin, "release 1");
  std::filesystem::remove(runs_.pathOf("r1") + "/" + kPinnedFile);
  EXPECT_EQ(index.refresh().read, 0u);
  EXPECT_EQ(runsOf(index.database(), 0).back().pin, std::nullopt);
  std::vector<ResultRow> rows = resultsOf(index.database(), "kvd/KvTest.Heals");
  EXPECT_TRUE(rows[2].isMixed);
  EXPECT_EQ(rows[2].attempts, 2u);
  EXPECT_FALSE(rows[1].isMixed);
  EXPECT_EQ(rows[0].version, rows[1].version);
  auto presence = presenceOf(index.database(), "kvd/KvTest.Joins");
  ASSERT_THAT(presence, SizeIs(3));
  EXPECT_TRUE(presence[1].presence.hasTest);
  EXPECT_FALSE(presence[2].presence.hasTest);
}

}  // namespace
}  // namespace harness::history
