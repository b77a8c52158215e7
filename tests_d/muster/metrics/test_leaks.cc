// Which processes make a test fail by what they take. Each case runs some of programs/leaks_main.cc
// on nodes of its own.
#include <muster/muster.h>

#include "tests_d/muster/support/test_program.h"

namespace {

using muster_tests::ShellResult;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class MetricLeakTest : public testing::Test {
 protected:
  ShellResult run(const std::string& filter) {
    return program_.run({.arguments = "--gtest_filter=" + filter + " --gtest_output=xml:" +
                                      program_.directory() + "/report.xml"});
  }
  std::string seriesOf(const std::string& test, const std::string& node) const {
    return program_.content("muster-test-metrics/" + test + "/metrics/" + node + ".jsonl");
  }

  muster_tests::TestProgram program_{"muster-test-metrics"};
};

TEST_F(MetricLeakTest, LeakFailsItsTestWithNodePidAndSeries) {
  ShellResult result = run("LeakTest.OneProcessLeaks:LeakTest.NoneLeaks");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(
      result.output,
      AllOf(ContainsRegex("node server1: process mu-leaky .pid [0-9]+. leaks: anonymous "
                          "memory grew from [0-9.]+ MiB to [0-9.]+ MiB"),
            HasSubstr("series: " + program_.directory() +
                      "/muster-test-metrics/LeakTest.OneProcessLeaks/metrics/server1.jsonl"),
            Not(HasSubstr("node server2: process")),
            HasSubstr("[  FAILED  ] LeakTest.OneProcessLeaks"),
            HasSubstr("[       OK ] LeakTest.NoneLeaks")));
  EXPECT_THAT(result.output, ContainsRegex("server2  [0-9]+ +mu-leaky"));
  EXPECT_THAT(seriesOf("LeakTest.OneProcessLeaks", "server1"),
              HasSubstr("\"name\":\"mu-leaky\",\"cpu_s\":"));
  EXPECT_THAT(seriesOf("LeakTest.NoneLeaks", "server2"), HasSubstr("\"memory_available_bytes\":"));
}

TEST_F(MetricLeakTest, DescriptorsLeakToo) {
  ShellResult result = run("LeakTest.DescriptorsLeak");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("node server2: process mu-leaky (pid "),
                                   HasSubstr("leaks: open descriptors grew from "),
                                   Not(HasSubstr("anonymous memory grew"))));
}

TEST_F(MetricLeakTest, WhatIsNotJudgedIsSaid) {
  ShellResult result = run("LeakTest.EndsBeforeAnythingIsJudged");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("node server2: no process mu-leaky appeared"));
  EXPECT_THAT(program_.content("report.xml"),
              AllOf(HasSubstr("muster_metrics_unjudged"), HasSubstr("no process mu-leaky")));
}

TEST_F(MetricLeakTest, WrongRuleIsRefusedBeforeNodesAreMade) {
  ShellResult result = run("WrongRuleTest.*");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("metrics() of the suite: leaks[0]: process \"/usr/sbin/kvd\": has a "
                              "slash; give the last part of the program's path"),
                    Not(HasSubstr("made cluster")), Not(HasSubstr("it ran"))));
}

}  // namespace
