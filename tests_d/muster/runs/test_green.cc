// What `muster run` says of programs that try to look green: each row of the table in
// docs/reference/running.md, and what reports of the run say then.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/support/shell.h"
#include "tests_d/muster/support/wait.h"

namespace runs {
namespace {

using muster_tests::becomesTrue;
using muster_tests::runShell;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

constexpr std::chrono::seconds kRunMax{150};

struct Ended {
  int status = -1;
  std::string out;
  std::string err;
};

class RunsTest : public ::testing::Test {
 protected:
  RunsTest() {
    char path[] = "/tmp/muster-runs-XXXXXX";
    directory_ = mkdtemp(path);
    fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
    muster_ = programs / "muster";
    fs::create_directory(directory_ + "/bin");
    fs::create_symlink(programs / "muster-test-broken", directory_ + "/bin/broken_tests");
  }
  ~RunsTest() override { fs::remove_all(directory_); }

  // The words before `muster` of a shell in the directory of the test.
  std::string shell() const {
    return "cd " + directory_ +
           "; unset MUSTER_RUN_DIR MUSTER_RUN_ID MUSTER_RECORD_OF MUSTER_CLUSTER "
           "MUSTER_HELD_CLUSTER MUSTER_PROGRAM_TIME MUSTER_CHECK_NODES; "
           "export BROKEN_DIRECTORY=" +
           directory_ + "; ";
  }

  Ended script(const std::string& text) const {
    int status =
        runShell("(" + shell() + text + ") >" + directory_ + "/o 2>" + directory_ + "/e", kRunMax)
            .exitStatus;
    return {status, contentOf("o"), contentOf("e")};
  }

  std::string contentOf(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/" + name).rdbuf();
    return text.str();
  }

  Ended muster(const std::string& words) const { return script(muster_ + " " + words); }

  Ended run(const std::string& words) const { return muster("run --bin-dir bin --json " + words); }

  // What the latest run's report of a format says.
  std::string report(const std::string& format) const {
    return muster("report --format " + format).out;
  }

  std::string directory_;
  std::string muster_;
};

struct Broken {
  const char* test;
  int status;
  const char* outcome;
  const char* because;
};

// gtest's own mark of a parameter would be its bytes.
void PrintTo(const Broken& broken, std::ostream* out) {
  *out << broken.test;
}

class BrokenTest : public RunsTest, public ::testing::WithParamInterface<Broken> {};

TEST_P(BrokenTest, DoesNotLookGreen) {
  const Broken& broken = GetParam();
  Ended ended = run(std::string(broken.test) + " --suite-time-limit 2s");
  EXPECT_EQ(ended.status, broken.status) << ended.out << ended.err;
  std::string outcome = std::string("\"outcome\": \"") + broken.outcome + "\"";
  EXPECT_THAT(ended.out, AllOf(HasSubstr(outcome), HasSubstr(broken.because)));
  EXPECT_THAT(report("json"), HasSubstr(outcome));
  bool isSkipped = std::string(broken.outcome) == "skipped";
  EXPECT_THAT(report("junit"), AllOf(HasSubstr(isSkipped ? "<skipped" : "type=\""),
                                     Not(HasSubstr("errors=\"0\" failures=\"0\" skipped=\"0\""))));
  EXPECT_TRUE(fs::exists(directory_ + "/muster-runs/latest/report.html"));
}

INSTANTIATE_TEST_SUITE_P(
    Ways, BrokenTest,
    ::testing::Values(Broken{"Plain.Fails", 1, "failed", ""},
                      Broken{"Plain.Skips", 3, "skipped", "not today"},
                      Broken{"Plain.CannotBeTried", 2, "infrastructure", ""},
                      Broken{"Exits.ByExit", 1, "crashed", "before its tests were over"},
                      Broken{"Exits.AtOnce", 1, "crashed", "before its tests were over"},
                      Broken{"Exits.Quickly", 1, "crashed", "before its tests were over"},
                      Broken{"Exits.ByExec", 1, "crashed", "before its tests were over"},
                      Broken{"Exits.ByASystemCall", 1, "crashed", "before its tests were over"},
                      Broken{"Crashes.BySignal", 1, "crashed", "SIGSEGV"},
                      Broken{"Crashes.InAThread", 1, "crashed", "SIGABRT"},
                      Broken{"Crashes.ByKill", 1, "crashed", "SIGKILL"},
                      Broken{"Hangs.ForEver", 1, "timed out", "the time of the suite is over"},
                      Broken{"Output.IsClosed", 1, "failed", ""},
                      Broken{"SetUpFails.Body", 1, "failed", ""},
                      Broken{"SetUpSkips.Body", 3, "skipped", "not here"}));

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
  EXPECT_EQ(crashed, 8u);
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
  ended = run("Plain.CannotBeTried Plain.Passes --process-for case --abort-on-infrastructure");
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
