// What `muster run` does with tests that fail, crash, repeat or are to be forgiven, and with
// runners that are killed or told to end.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/runs/component.h"
#include "tests_d/muster/support/wait.h"

namespace runs {
namespace {

using muster_tests::becomesTrue;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

TEST_F(RunsTest, TestsThatPassAreGreen) {
  Ended ended = run("Plain.Passes");
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("\"outcome\": \"passed\""));
}

TEST_F(RunsTest, CrashCostsNoOtherTestOfTheSuite) {
  Ended ended = run("'Crashes.*' 'Exits.*'");
  EXPECT_EQ(ended.status, 1);
  std::string text = ended.out;
  size_t crashed = 0;
  for (size_t at = 0; (at = text.find("\"crashed\"", at)) != std::string::npos; ++at) ++crashed;
  EXPECT_EQ(crashed, 9u);
  EXPECT_THAT(report("csv"), AllOf(HasSubstr("Crashes,Passes"), HasSubstr("Exits,Passes")));
  EXPECT_THAT(text, HasSubstr("\"passed\""));
}

TEST_F(RunsTest, FailureOutsideOfTestsIsNotGreen) {
  Ended ended = run("TearDownFails.Body");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("outside of tests"));
  EXPECT_THAT(report("junit"), HasSubstr("disk left"));
}

TEST_F(RunsTest, SelectorThatSelectsNothingIsRefused) {
  EXPECT_EQ(run("Plain.Passes Plain.NoSuch").status, 64);
  EXPECT_EQ(run("Plain.Passes -- --gtest_filter=NoSuch.*").status, 3);
}

TEST_F(RunsTest, RunsDoNotShareADirectory) {
  EXPECT_EQ(run("Plain.Passes --run-dir r").status, 0);
  Ended second = run("Plain.Passes --run-dir r");
  EXPECT_NE(second.status, 0);
  EXPECT_THAT(second.err, HasSubstr("has the records of run"));
}

TEST_F(RunsTest, TestThatPassesWhenItIsTriedAgainIsFlaky) {
  Ended ended = run("Flaky.PassesTheSecondTime --retries 2");
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"outcome\": \"flaky\""), HasSubstr("\"attempts\": 2")));
}

TEST_F(RunsTest, TestThatPassesOnFreshNodesOnlyIsPolluted) {
  Ended ended = run("Flaky.PassesTheSecondTime --retries 2 --retry-on fresh");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("\"outcome\": \"polluted\""));
  EXPECT_EQ(run("Plain.Passes --retry-on fresh --cluster x.yaml").status, 64);
}

TEST_F(RunsTest, RunIsRepeatedUntilATestFails) {
  EXPECT_EQ(run("Plain.Passes --repeat 3").status, 0);
  EXPECT_THAT(report("csv"), HasSubstr("Plain,Passes,3,1,passed"));
  EXPECT_EQ(run("Flaky.FailsTheSecondTime --until-fail").status, 1);
  EXPECT_THAT(report("csv"), AllOf(HasSubstr("FailsTheSecondTime,1,1,passed"),
                                   HasSubstr("FailsTheSecondTime,2,1,failed")));
}

TEST_F(RunsTest, RunEndsAtTheFirstFailureIfThatIsWanted) {
  Ended ended = run("'Crashes.*' --fail-fast");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"crashed\""), HasSubstr("\"not run\""),
                               HasSubstr("1 test has failed")));
  ended = run("Plain.CannotBeTried Crashes.Passes --process-for case --abort-on-infrastructure");
  EXPECT_THAT(ended.out, HasSubstr("could not be tried"));
}

TEST_F(RunsTest, ProcessIsForASuiteACaseOrAProgram) {
  auto programs = [this](const std::string& what) {
    run("Plain.Passes Plain.Fails Crashes.Passes --process-for " + what);
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(directory_ + "/muster-runs/latest/records")) {
      if (entry.path().filename() != "muster.jsonl") ++count;
    }
    return count;
  };
  EXPECT_EQ(programs("case"), 3u);
  EXPECT_EQ(programs("suite"), 2u);
  EXPECT_EQ(programs("program"), 1u);
}

TEST_F(RunsTest, WaiverExcusesWhatItForetells) {
  std::ofstream(directory_ + "/w.yaml")
      << "waivers:\n  - {tests: broken/Plain.Fails, reason: known, owner: me, expires: "
         "2999-12-31}\n"
         "  - {tests: broken/Plain.Passes, reason: known, owner: me, expires: 2999-12-31, strict: "
         "true}\n";
  Ended ended = run("Plain.Fails --waivers w.yaml");
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("\"outcome\": \"waived\""));
  EXPECT_THAT(ended.err, HasSubstr("met no test of this run"));
  EXPECT_EQ(run("Plain.Passes --waivers w.yaml").status, 1);
}

TEST_F(RunsTest, GateFailsARunThatRanTooLittle) {
  EXPECT_EQ(run("Plain.Passes --min-tests 1").status, 0);
  EXPECT_EQ(run("Plain.Passes --min-tests 2").status, 1);
}

TEST_F(RunsTest, ProbesAreJudgedOverRuns) {
  Ended ended = run("'Probes.*' --require-probes --run-dir first");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("\"true by the environment\" of broken"),
                               HasSubstr("was never true"), HasSubstr("was not reached")));
  EXPECT_EQ(muster("probes first").status, 1);
  EXPECT_EQ(
      script("BROKEN_PROBE=1 " + muster_ + " run --bin-dir bin Probes.IsMissed --run-dir second")
          .status,
      0);
  ended = muster("probes first second");
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("reached by the environment"), HasSubstr("broken/Probes.IsMissed")));
  EXPECT_EQ(muster("probes no-such-run").status, 66);
}

TEST_F(RunsTest, EndOfTheRunnerEndsItsProgramAndIsSeen) {
  pid_t runner = fork();
  if (runner == 0) {
    std::string command = shell() + "exec " + muster_ + " run --bin-dir bin 'Long.*' 2>/dev/null";
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  ASSERT_TRUE(
      becomesTrue([this] { return !contentOf("waits").empty(); }, std::chrono::seconds(20)));
  pid_t program = 0;
  std::ifstream(directory_ + "/waits") >> program;
  ::kill(runner, SIGKILL);
  ::waitpid(runner, nullptr, 0);
  EXPECT_TRUE(becomesTrue([program] { return ::kill(program, 0) != 0; }, std::chrono::seconds(30)));
  std::string json = report("json");
  EXPECT_THAT(json, AllOf(Not(HasSubstr("\"outcome\": \"passed\"")), HasSubstr("killed")));
}

TEST_F(RunsTest, RunIsCancelledFromElsewhere) {
  std::string steps = muster_ +
                      " run --bin-dir bin 'Long.*' --json >out 2>err & p=$!; "
                      "for i in $(seq 200); do [ -s waits ] && break; sleep 0.1; done; " +
                      muster_ + " cancel latest broken/Long.NoSuch; echo $?; " + muster_ +
                      " cancel latest --because 'no time'; echo $?; wait $p; echo $?; cat out";
  Ended ended = script(steps);
  EXPECT_THAT(ended.out, HasSubstr("65\n0\n4\n"));
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"cancelled\""), HasSubstr("\"not run\""),
                               HasSubstr("cancelled: no time")));
}

}  // namespace
}  // namespace runs
