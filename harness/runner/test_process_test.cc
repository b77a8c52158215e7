#include "harness/runner/test_process.h"

#include <stdlib.h>

#include <filesystem>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/runner/evidence.h"
#include "harness/runner/program_output.h"

namespace harness::runner {
namespace {

using namespace std::chrono_literals;
using run::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Functions of a script that writes a record as a program would.
constexpr char kPrelude[] = R"(#!/bin/sh
n=0
say() { echo "{\"n\":$n,\"at\":$n,$1}" >>"$MUSTER_RECORD"; n=$((n + 1)); }
first() { say '"records":1,"role":"program"'; }
test_begins() { say "\"begin\":\"$1\",\"kind\":\"test\",\"suite\":\"A\",\"name\":\"$1\""; }
hold_begins() { say "\"begin\":\"h\",\"kind\":\"hold\",\"test\":\"A.$1\",\"text\":\"look\""; }
hold_ends() { say "\"end\":\"h\",\"because\":\"$1\""; }
test_ends() { say "\"end\":\"$1\",\"outcome\":\"$2\",\"seconds\":0.5"; }
last() { say '"close":9,"lost":0'; }
)";

// Runs scripts that play test programs.
class TestProcessTest : public testing::Test {
 protected:
  TestProcessTest() {
    char pattern[] = "/tmp/muster-process-XXXXXX";
    directory_ = mkdtemp(pattern);
    start_.record = directory_ + "/r.jsonl";
    start_.report = directory_ + "/r.xml";
    start_.tests = {"A.one", "A.two"};
  }
  ~TestProcessTest() override { std::filesystem::remove_all(directory_); }

  ProcessResult run(const std::string& body) {
    std::string path = directory_ + "/program";
    putFile(path, kPrelude + body, 0755);
    start_.argv = {path};
    Interrupts interrupts;
    events_.output = [this](std::string_view bytes) { output_ += bytes; };
    events_.news = [this](const LiveTest& test) {
      news_.push_back(test);
      if (test.hasEnded && ended_) ended_(test);
    };
    events_.look = look_;
    return runTests(start_, events_, interrupts);
  }

  // What is said of a program whose tests have all passed by its record.
  std::string verdictAfter(const std::string& body) {
    ProcessResult result =
        run("first\ntest_begins one\ntest_ends one passed\ntest_begins two\n"
            "test_ends two passed\n" +
            body);
    EXPECT_EQ(result.isWhole, result.outcome == Outcome::kPassed);
    return std::string(wordOf(result.outcome)) + ": " + result.because;
  }

  std::string directory_;
  ProcessStart start_;
  ProcessEvents events_;
  std::string output_;
  std::vector<LiveTest> news_;
  std::function<void(const LiveTest& test)> ended_;
  std::function<void(const std::function<RunningNow()>& now)> look_;
};

TEST_F(TestProcessTest, ProgramThatEndsAsItSaysHasPassed) {
  EXPECT_EQ(verdictAfter("last\necho hello\n"), "passed: ");
  EXPECT_EQ(output_, "hello\n");
}

TEST_F(TestProcessTest, PassedTestsProveNothingForAProgramThatEndsOtherwise) {
  EXPECT_THAT(verdictAfter("kill -SEGV $$\n"), HasSubstr("crashed: the program was ended by "
                                                         "SIGSEGV (Segmentation fault)"));
  EXPECT_THAT(verdictAfter("exit 0\n"),
              HasSubstr("crashed: the program ended with status 0 before its record did"));
  EXPECT_THAT(verdictAfter("last\nexit 7\n"),
              HasSubstr("failed: the program ended with status 7, though no test failed"));
  EXPECT_THAT(verdictAfter("last\nexit 2\n"), HasSubstr("infrastructure: "));
  EXPECT_THAT(verdictAfter("last\n: >\"$TEST_PREMATURE_EXIT_FILE\"\n"),
              HasSubstr("crashed: the program ended with status 0 before its tests were over"));
}

TEST_F(TestProcessTest, WhatRunsIsTold) {
  std::optional<RunningNow> seen;
  look_ = [&](const std::function<RunningNow()>& now) {
    RunningNow running = now();
    if (running.step && running.step->hasEnded) {
      seen = running;
      putFile(directory_ + "/go", "", 0644);
    }
  };
  start_.testMax = 5min;
  ProcessResult result =
      run("first\ntest_begins one\n"
          "say '\"begin\":\"c\",\"kind\":\"command\",\"node\":\"n1\",\"argv\":[\"kvctl\",\"up\"]'\n"
          "say '\"end\":\"c\",\"outcome\":\"exit status 0\"'\n"
          "until [ -e \"${0%/*}/go\" ]; do :; done\ntest_ends one passed\nlast\n");
  ASSERT_TRUE(seen) << result.because;
  EXPECT_EQ(seen->test, "A.one");
  EXPECT_GT(seen->pid, 1);
  EXPECT_THAT(seen->nodes, ElementsAre("n1"));
  EXPECT_EQ(seen->step->text, "kvctl up");
  EXPECT_EQ(seen->step->outcome, "exit status 0");
  EXPECT_EQ(seen->limits.front().most, 5min);
}

TEST_F(TestProcessTest, ProgramWithoutARecordHasNotPassed) {
  ProcessResult result = run("exit 0\n");
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_THAT(result.because, HasSubstr("left neither a record nor a report"));
  start_.argv = {"/no/such/program"};
  Interrupts interrupts;
  result = runTests(start_, {}, interrupts);
  EXPECT_EQ(result.outcome, Outcome::kInfrastructure);
  EXPECT_EQ(result.because, "cannot be started: No such file or directory");
}

TEST_F(TestProcessTest, CrashCostsTheTestThatRan) {
  ProcessResult result = run("first\ntest_begins one\nkill -ABRT $$\n");
  ASSERT_EQ(result.tests.size(), 1u);
  EXPECT_EQ(result.tests[0].name, "A.one");
  EXPECT_EQ(result.tests[0].outcome, Outcome::kCrashed);
  EXPECT_THAT(result.tests[0].because, HasSubstr("SIGABRT"));
  EXPECT_TRUE(result.isCharged);
  EXPECT_THAT(result.left, ElementsAre("A.two"));
}

TEST_F(TestProcessTest, StackOfACrashIsReadAndToldOfTheTest) {
  ProcessResult result =
      run("first\ntest_begins one\n"
          "printf 'muster stacks 1\\ntest A.one\\nsignal 6 -6 0x0 1\\nexception int\\n"
          "thread 7 1 kvd\\nframe 1 0x10 /no/such/program\\ndone\\n' >\"$MUSTER_RECORD.crash\"\n"
          "kill -ABRT $$\n");
  ASSERT_TRUE(result.crash);
  EXPECT_EQ(result.chargedTest, "A.one");
  EXPECT_THAT(result.crash->text, HasSubstr("thread 7 \"kvd\" (main)\n  #0 0x10 in program\n"));
  EXPECT_THAT(result.tests[0].because, HasSubstr("SIGABRT (Aborted): uncaught exception int"));
  EXPECT_FALSE(std::filesystem::exists(start_.record + ".crash"));
  auto evidence = evidenceOf(result, &result.tests[0], directory_, "p-1");
  ASSERT_TRUE(evidence);
  EXPECT_THAT(evidence->failure["text"].get<std::string>(), HasSubstr("int\nSIGABRT: sent by"));
  EXPECT_EQ(evidence->failure["stack"][0]["module"], "/no/such/program");
  EXPECT_EQ(evidence->failure["crash"], true);
}

TEST_F(TestProcessTest, TestsThatDidNotBeginAreNoSuccess) {
  ProcessResult result = run("first\ntest_begins one\ntest_ends one passed\nlast\n");
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_THAT(result.because, HasSubstr("1 tests did not begin"));
  EXPECT_THAT(result.left, ElementsAre("A.two"));
}

TEST_F(TestProcessTest, FailureThatTheStatusHidesIsSaid) {
  ProcessResult result =
      run("first\ntest_begins one\ntest_ends one failed\ntest_begins two\n"
          "test_ends two passed\nlast\n");
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_THAT(result.because, HasSubstr("status 0, though tests failed"));
}

TEST_F(TestProcessTest, TestIsCancelledWhenSomebodyAsks) {
  std::string path = directory_ + "/program";
  putFile(path, std::string(kPrelude) + "first\ntest_begins one\nexec sleep 60\n", 0755);
  start_.argv = {path};
  Interrupts interrupts;
  ProcessEvents events;
  events.cancels = [](const std::string& test) { return test == "A.one" ? "enough" : ""; };
  ProcessResult result = runTests(start_, events, interrupts);
  ASSERT_EQ(result.tests.size(), 1u);
  EXPECT_EQ(result.tests[0].outcome, Outcome::kCancelled);
  EXPECT_EQ(result.tests[0].because, "enough");
}

TEST_F(TestProcessTest, TimeOfTheSuiteEndsTheTestThatRuns) {
  start_.timeMax = 200ms;
  start_.timeName = "the time of the suite";
  ProcessResult result = run("first\ntest_begins one\nexec sleep 60\n");
  ASSERT_EQ(result.tests.size(), 1u);
  EXPECT_EQ(result.tests[0].outcome, Outcome::kTimedOut);
  EXPECT_EQ(result.tests[0].because, "the time of the suite is over (200 ms)");
  EXPECT_GT(result.tests[0].seconds, 0);
}

TEST_F(TestProcessTest, TimeOfTheTestIsItsOwn) {
  start_.testMax = 60s;
  start_.testMaxOf["A.two"] = 100ms;
  start_.overrun = 0s;
  ProcessResult result =
      run("first\ntest_begins one\nsleep 0.3\ntest_ends one passed\n"
          "test_begins two\nexec sleep 60\n");
  ASSERT_EQ(result.tests.size(), 2u);
  EXPECT_EQ(result.tests[0].outcome, Outcome::kPassed);
  EXPECT_EQ(result.tests[1].outcome, Outcome::kTimedOut);
  EXPECT_EQ(result.tests[1].because, "the time of the test is over (100 ms)");
}

TEST_F(TestProcessTest, LimitsDoNotCountTheTimeOfAHold) {
  start_.testMax = 2s;
  start_.timeMax = 2s;
  start_.timeName = "the time of the suite";
  start_.overrun = 0s;
  ProcessResult result =
      run("first\ntest_begins one\nhold_begins one\nsleep 2.5\nhold_ends enough\n"
          "test_ends one failed\ntest_begins two\ntest_ends two passed\nlast\nexit 1\n");
  EXPECT_TRUE(result.isWhole) << result.because;
  EXPECT_GE(result.held, 2s);
}

TEST_F(TestProcessTest, HoldIsToldWhenItBeginsAndEnds) {
  std::vector<std::string> told;
  events_.holds = [&](const LiveHold& hold) { told.push_back(hold.text + ": " + hold.because); };
  run("first\ntest_begins one\nhold_begins one\nsleep 0.3\nhold_ends enough\nsleep 0.3\n");
  EXPECT_THAT(told, ElementsAre("look: ", "look: enough"));
}

TEST_F(TestProcessTest, ReleaseOfAHeldTestIsNoCrash) {
  ProcessResult result =
      run("first\ntest_begins one\nhold_begins one\nhold_ends 'released by muster release'\n"
          "test_ends one failed\nlast\nkill -TERM $$\n");
  EXPECT_EQ(result.outcome, Outcome::kCancelled);
  EXPECT_TRUE(result.isCharged);
  EXPECT_FALSE(result.isWhole);
  ASSERT_EQ(result.tests.size(), 1u);
  EXPECT_EQ(result.tests[0].outcome, Outcome::kFailed);
  EXPECT_THAT(result.left, ElementsAre("A.two"));
}

TEST_F(TestProcessTest, TestOverItsTimeIsHeldBeforeItIsEnded) {
  start_.testMax = 100ms;
  start_.overrun = 0s;
  start_.timeMax = 2s;
  start_.timeName = "the time of the suite";
  auto end = std::chrono::steady_clock::now() + 3s;
  events_.holdsOverdue = [&](const std::string& test, const std::string&, int) {
    return test == "A.one" && std::chrono::steady_clock::now() < end;
  };
  ProcessResult result = run("first\ntest_begins one\nexec sleep 60\n");
  ASSERT_EQ(result.tests.size(), 1u);
  EXPECT_EQ(result.tests[0].outcome, Outcome::kTimedOut);
  EXPECT_EQ(result.tests[0].because, "the time of the test is over (100 ms)");
  EXPECT_GE(std::chrono::steady_clock::now(), end);
}

TEST_F(TestProcessTest, HeldTestThatEndsAllTheSameIsHeldNoMore) {
  start_.testMax = 100ms;
  start_.overrun = 0s;
  std::vector<std::string> told;
  events_.holdsOverdue = [&](const std::string& test, const std::string& because, int) {
    if (because.empty()) told.push_back(test);
    return true;
  };
  run("first\ntest_begins one\nsleep 0.5\ntest_ends one passed\nsleep 0.3\n");
  EXPECT_THAT(told, ElementsAre("A.one"));
}

TEST_F(TestProcessTest, OutputOfATestIsThereWhenItEnds) {
  size_t ends = 0;
  ended_ = [&](const LiveTest& test) {
    ++ends;
    EXPECT_THAT(output_, HasSubstr("said by " + test.name + "\n"));
  };
  run("first\nfor i in $(seq 3000); do test_begins t$i; echo said by A.t$i; test_ends t$i passed; "
      "done\nlast\n");
  EXPECT_EQ(ends, 3000u);
}

TEST_F(TestProcessTest, TestEndsTheMomentItsRecordSaysSo) {
  run("first\ntest_begins one\ntest_ends one passed\nsleep 0.3\ntest_begins two\nsleep 0.3\n"
      "test_ends two passed\nlast\n");
  ASSERT_GE(news_.size(), 3u);
  EXPECT_TRUE(news_[0].hasEnded);
  EXPECT_FALSE(news_[1].hasEnded);
  EXPECT_TRUE(news_[2].hasEnded);
}

TEST_F(TestProcessTest, ReportOfGtestStandsInForAProgramWithAMainOfItsOwn) {
  start_.environment["REPORT"] = start_.report;
  ProcessResult result = run(
      "cat >\"$REPORT\" <<X\n<testsuites><testsuite><testcase name=\"one\" classname=\"A\" "
      "status=\"run\" result=\"completed\" time=\"0.1\"/><testcase name=\"two\" classname=\"A\" "
      "status=\"run\" result=\"completed\" time=\"0.1\"><failure message=\"bad\"/></testcase>"
      "</testsuite></testsuites>\nX\nexit 1\n");
  EXPECT_TRUE(result.isWhole) << result.because;
  ASSERT_EQ(result.tests.size(), 2u);
  EXPECT_EQ(result.tests[0].outcome, Outcome::kPassed);
  EXPECT_EQ(result.tests[1].outcome, Outcome::kFailed);
  EXPECT_EQ(result.tests[1].text, "bad");
  EXPECT_THAT(result.left, IsEmpty());
}

TEST_F(TestProcessTest, OutputOfATestIsWhatIsBetweenItsMarks) {
  ProgramOutputFile output(directory_ + "/out/x.log");
  output.append("before\n[ RUN      ] A.one\nits own\n[       OK ] A.one (0 ms)\n");
  output.append("[ RUN      ] A.two\nat the end\n");
  EXPECT_EQ(output.ofTest("A.one"), "its own\n");
  EXPECT_EQ(output.ofTest("A.two"), "at the end\n");
  EXPECT_EQ(output.ofTest("A.three"), "");
  EXPECT_THAT(readFile(directory_ + "/out/x.log"), HasSubstr("before"));
}

}  // namespace
}  // namespace harness::runner
