// What `muster run` makes of probations, properties and gates, with a program that ends its tests
// as it is told.
#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/muster_testing.h"
#include "harness/os/files.h"
#include "harness/run/results.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using run::Outcome;
using testing::HasSubstr;
using testing::Not;

// Has the tests New.Heals and Old.Reads. The file "plan.TEST" beside it has an outcome for each of
// the times that the test runs; the others pass.
constexpr char kProgram[] = R"(#!/bin/sh
here=${0%/*}
for argument in "$@"; do
  case $argument in
    --gtest_output=json:*)
      echo '{"testsuites":[{"name":"New","testsuite":[{"name":"Heals","file":"a.cc","line":1}]},
        {"name":"Old","testsuite":[{"name":"Reads","file":"a.cc","line":2}]}]}' \
        >"${argument#--gtest_output=json:}" ;;
    --gtest_flagfile=*) flags=${argument#--gtest_flagfile=} ;;
  esac
done
case "$*" in *--gtest_list_tests* | *--muster-hold-nodes*) exit 0 ;; esac
n=0
say() { echo "{\"n\":$n,\"at\":$n,$1}" >>"$MUSTER_RECORD"; n=$((n + 1)); }
say "\"records\":1,\"role\":\"program\",\"component\":\"x\",\"repeat\":$MUSTER_REPEAT"
status=0
for test in $(sed 's/--gtest_filter=//; s/:/ /g' "$flags"); do
  say "\"begin\":\"$test\",\"kind\":\"test\",\"suite\":\"${test%.*}\",\"name\":\"${test#*.}\""
  echo x >>"$here/ran.$test"
  outcome=$(sed -n "$(wc -l <"$here/ran.$test")p" "$here/plan.$test" 2>/dev/null)
  say "\"end\":\"$test\",\"outcome\":\"${outcome:-passed}\",\"seconds\":0.1"
  [ "${outcome:-passed}" = passed ] || status=1
done
say "\"close\":$n,\"lost\":0"
exit $status
)";

constexpr char kNew[] = "probation:\n  - {tests: x/New.*, owner: jo, expires: 2999-01-01}\n";

class VerdictRunTest : public testing::Test {
 protected:
  VerdictRunTest() : before_(fs::current_path()) {
    char pattern[] = "/tmp/muster-verdict-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    fs::current_path(directory_);
    for (const char* variable : {"MUSTER_CLUSTER", "MUSTER_RUN_DIR", "MUSTER_RUN_ID"}) {
      ::unsetenv(variable);
    }
    putFile("x_tests", kProgram, 0755);
    putFile("new.yaml", kNew, 0644);
  }
  ~VerdictRunTest() override {
    fs::current_path(before_);
    fs::remove_all(directory_);
  }

  using Ended = MusterEnded;

  static Ended muster(const std::vector<std::string>& words) { return endedMuster(words); }

  static Ended run(const std::vector<std::string>& words) {
    std::vector<std::string> all = {"run", "--bin-dir", ".", "--no-page"};
    all.insert(all.end(), words.begin(), words.end());
    return muster(all);
  }

  static run::TestResult latest(const std::string& suite) {
    for (const run::TestResult& test : run::resultOf(run::readRun("muster-runs/latest")).tests) {
      if (test.suite == suite) return test;
    }
    return {};
  }

  static int timesRun(const std::string& test) {
    std::string ran = readFile("ran." + test);
    return static_cast<int>(std::count(ran.begin(), ran.end(), '\n'));
  }

  fs::path before_;
  std::string directory_;
};

TEST_F(VerdictRunTest, TestOnProbationRunsUntilItHasPassedOftenEnough) {
  Ended ended = run({"--waivers", "new.yaml", "--probation", "4"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(timesRun("New.Heals"), 4);
  EXPECT_EQ(timesRun("Old.Reads"), 1);
  EXPECT_EQ(latest("New").outcome, Outcome::kPassed);
  EXPECT_THAT(ended.errors, HasSubstr("x/New.Heals has passed its probation"));
}

TEST_F(VerdictRunTest, FailureOnProbationIsKeptAndExcused) {
  putFile("plan.New.Heals", "passed\npassed\nfailed\n", 0644);
  Ended ended = run({"--waivers", "new.yaml", "--fail-fast"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(timesRun("New.Heals"), 3) << "it has failed";
  run::TestResult test = latest("New");
  EXPECT_EQ(test.outcome, Outcome::kWaived);
  EXPECT_EQ(test.because, "on probation until 2999-01-01 (jo): it passed 2 of 3 times");
  EXPECT_EQ(test.attempts.back().outcome, Outcome::kFailed);
  EXPECT_EQ(latest("Old").outcome, Outcome::kPassed) << "the run goes on";
}

TEST_F(VerdictRunTest, PassesOfEarlierRunsCountAndAFailureBeginsAnew) {
  EXPECT_EQ(run({"--waivers", "new.yaml", "--probation", "2"}).status, 0);
  Ended ended = run({"--waivers", "new.yaml", "--probation", "3"});
  EXPECT_EQ(timesRun("New.Heals"), 3) << ended.errors;
  putFile("plan.New.Heals", "\n\n\nfailed\n", 0644);
  ended = run({"--waivers", "new.yaml", "--probation", "3"});
  EXPECT_EQ(ended.status, 1) << "its probation is over: " << ended.errors;
  EXPECT_THAT(ended.errors, HasSubstr("its probation is over; remove it from new.yaml:2"));
  ended = run({"--waivers", "new.yaml", "--probation", "3"});
  EXPECT_EQ(timesRun("New.Heals"), 7) << ended.errors;
}

TEST_F(VerdictRunTest, FailureOfAnotherTestStaysOne) {
  putFile("plan.Old.Reads", "failed\n", 0644);
  EXPECT_EQ(run({"--waivers", "new.yaml", "--probation", "2"}).status, 1);
}

TEST_F(VerdictRunTest, RunOfAnotherEnvironmentIsNotGreen) {
  EXPECT_EQ(run({"--property", "topology=3x1", "--require-environment", "3x1"}).status, 0);
  Ended ended = run({"--property", "image=a", "--require-environment", "image=b"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.errors, HasSubstr("gate: there are no results of image=b"));
}

TEST_F(VerdictRunTest, ReportIsAGateForSeveralRuns) {
  putFile("gates.yaml", "min-tests: 2\nenvironments: [image=a, image=b]\n", 0644);
  EXPECT_EQ(run({"New", "--property", "image=a", "--run-dir", "a"}).status, 0);
  EXPECT_EQ(run({"Old", "--property", "image=b", "--run-dir", "b"}).status, 0);
  EXPECT_EQ(muster({"report", "--gate", "--gates", "gates.yaml", "a", "b"}).status, 0);
  Ended ended = muster({"report", "--gate", "--gates", "gates.yaml", "a"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.errors, HasSubstr("gate: 1 tests have run, and at least 2 must\n"));
  EXPECT_THAT(ended.errors, HasSubstr("gate: there are no results of image=b\n"));
  EXPECT_EQ(muster({"report", "--require-environment", "image=a", "a"}).status, 64);
}

TEST_F(VerdictRunTest, ReportAsAGateHasTheStatusOfTheRuns) {
  putFile("plan.Old.Reads", "failed\n", 0644);
  EXPECT_EQ(run({"--run-dir", "a"}).status, 1);
  EXPECT_EQ(muster({"report", "--gate", "a"}).status, 1);
  Ended ended = muster({"report", "--gate", "--format", "tap", "a"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.output, HasSubstr("not ok"));
  EXPECT_EQ(muster({"report", "--format", "tap", "a"}).status, 0);
}

TEST_F(VerdictRunTest, OptionsThatMeanNothingAreRefused) {
  EXPECT_EQ(run({"--probation", "3"}).status, 64);
  EXPECT_EQ(run({"--property", "image"}).status, 64);
  EXPECT_EQ(run({"--require-environment", "="}).status, 64);
  EXPECT_EQ(run({"--gates", "absent.yaml"}).status, 66);
}

TEST_F(VerdictRunTest, PlanShowsProbation) {
  Ended ended = run({"--dry-run", "--waivers", "new.yaml", "--probation", "5"});
  EXPECT_THAT(ended.output, HasSubstr("on probation until 2999-01-01 (jo): must pass 5 times\n"));
  EXPECT_THAT(ended.output, Not(HasSubstr("Old.Reads\n              on probation")));
}

}  // namespace
}  // namespace harness
