// Which tests the lines of logs make fail. Each case runs some of programs/oracle_main.cc on nodes
// of its own, and looks at what it says.
#include <unistd.h>

#include <fstream>

#include <muster/muster.h>

#include "tests_d/muster/support/test_program.h"

namespace {

using muster_tests::ShellResult;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LogOracleTest : public testing::Test {
 protected:
  ShellResult run(const std::string& filter) {
    return program_.run({.arguments = "--gtest_filter=" + filter});
  }
  std::string content(const std::string& path) const { return program_.content(path); }
  std::string saved(const std::string& path) { return content("logs/" + path); }

  muster_tests::TestProgram program_{"muster-test-logs"};
};

TEST_F(LogOracleTest, ErrorFailsTheTestThatItBelongsToAndNoOther) {
  ShellResult result =
      run("WatchedTest.WritesNothingBad:WatchedTest.WritesAnError:WatchedTest.ComesAfterTheError");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("1 line of the logs"),
                                   HasSubstr("server2: /tmp/oracle.log:2: ERROR: disk lost"),
                                   HasSubstr("by rule \"^ERROR\": something was lost"),
                                   HasSubstr("[  FAILED  ] WatchedTest.WritesAnError"),
                                   HasSubstr("[       OK ] WatchedTest.ComesAfterTheError")));
  EXPECT_EQ(saved("WatchedTest.WritesAnError/server1/tmp.oracle.log"), "fine\n");
  EXPECT_EQ(saved("WatchedTest.WritesAnError/server2/tmp.oracle.log"), "fine\nERROR: disk lost\n");
}

// A later failure is compared with them (docs/reference/reports.md).
TEST_F(LogOracleTest, GreenTestKeepsItsDifferentLines) {
  ShellResult result = run("WatchedTest.WritesLinesThatDifferInNumbers");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
  EXPECT_EQ(content("log-lines/WatchedTest.WritesLinesThatDifferInNumbers/server2/tmp.oracle.log"),
            "stored key 7\nleader is server2\n");
  EXPECT_EQ(saved("WatchedTest.WritesLinesThatDifferInNumbers/server2/tmp.oracle.log"), "");
}

TEST_F(LogOracleTest, UnusedRulesAndWarningsAreSaid) {
  ShellResult result = run("WatchedTest.WritesNothingBad:WatchedTest.WritesAWarning");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("rule \"ERROR: never\" (issue 13) has allowed no line"),
                    Not(HasSubstr("rule \"ERROR: known\"")), HasSubstr("WARN: slow"),
                    HasSubstr("is of interest")));
}

TEST_F(LogOracleTest, ScopeAllowsWithinItselfOnly) {
  ShellResult result =
      run("WatchedTest.AllowsAnErrorInABlock:WatchedTest.WritesTheErrorBehindTheBlock");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("[       OK ] WatchedTest.AllowsAnErrorInABlock"),
                    HasSubstr("2 lines of the logs"), HasSubstr("ERROR: peer lost behind")));
}

TEST_F(LogOracleTest, ScopeIsForItsNodes) {
  ShellResult result = run("WatchedTest.AllowsAnErrorOnOneNodeOnly");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("1 line of the logs"), HasSubstr("server2: ")));
}

TEST_F(LogOracleTest, ScopeEndsWithItsFault) {
  ShellResult result = run("WatchedTest.AllowsAnErrorWhileAFaultHolds");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("1 line of the logs"), HasSubstr("ERROR: peer lost too late"),
                    Not(HasSubstr("ERROR: peer lost in time"))));
}

TEST_F(LogOracleTest, ExpectedLineThatIsMissingFails) {
  ShellResult result = run("WatchedTest.Expects*");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("[       OK ] WatchedTest.ExpectsALineThatComes"),
                                   HasSubstr("an expected line is missing: node server2"),
                                   Not(HasSubstr("an expected line is missing: node server1"))));
}

TEST_F(LogOracleTest, WhatIsMissingOfTheLogsIsInTheReport) {
  ShellResult result =
      run("WatchedTest.WritesNothingBad:WatchedTest.EmptiesItsLog --gtest_output=xml:" +
          program_.directory() + "/report.xml");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("server1: /tmp/oracle.log: was emptied in place"));
  EXPECT_THAT(content("report.xml"),
              AllOf(HasSubstr("\"muster_logs_unjudged\""), HasSubstr("was emptied in place")));
}

TEST_F(LogOracleTest, LogsThatANodeRefusesToReadFailTheTest) {
  ShellResult result = run("ManyFilesTest.*");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("the logs could not be judged"),
                                   HasSubstr("the pattern stands for over 1024 files")));
}

// A test program on a cluster whose file has `logs`.
class ClusterFileLogsTest : public LogOracleTest {
 protected:
  ShellResult runWith(const std::string& logs, const std::string& filter) {
    std::string file = program_.directory() + "/cluster.yaml";
    std::ofstream(file) << "name: logs-" << getpid()
                        << "\nnodes:\n  server[1-2]: {role: server}\n  client1: {role: client}\n"
                        << logs;
    return program_.run({.arguments = "--cluster=" + file + " --gtest_filter=" + filter});
  }

  static constexpr char kLogs[] = R"(logs:
  sources: [{files: /tmp/oracle.log, nodes: "@server"}]
  fail_on: [{pattern: "^ERROR", reason: something was lost, nodes: "server1"}]
  warn_on: [{pattern: "^WARN", reason: is of interest}]
  allow:
    - {pattern: "ERROR: known", reason: issue 12}
    - {pattern: "ERROR: never", reason: issue 13}
)";
};

TEST_F(ClusterFileLogsTest, FailTestsThatNameNoLogs) {
  ShellResult result = runWith(kLogs, "PlainTest.*");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("[       OK ] PlainTest.WritesNothingBad"),
                                   HasSubstr("[  FAILED  ] PlainTest.WritesAnError"),
                                   HasSubstr("1 line of the logs"),
                                   HasSubstr("server1: /tmp/oracle.log:1: ERROR: disk lost"),
                                   HasSubstr("(the key logs of the cluster file has the rules)"),
                                   HasSubstr("[       OK ] PlainTest.AllowsAnErrorInABlock")));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("[       OK ] PlainTest.WritesAWarning"), HasSubstr("WARN: slow"),
                    HasSubstr("is of interest"),
                    HasSubstr("rule \"ERROR: never\" (issue 13) has allowed no line"),
                    Not(HasSubstr("rule \"ERROR: known\" (issue"))));
  EXPECT_EQ(saved("PlainTest.WritesAnError/server2/tmp.oracle.log"), "ERROR: disk lost\n");
  EXPECT_EQ(saved("PlainTest.WritesAnError/client1/tmp.oracle.log"), "");
}

TEST_F(ClusterFileLogsTest, HoldBesideThoseOfTheSuite) {
  ShellResult result = runWith(
      "logs: {sources: [/tmp/oracle*.log], fail_on: [{pattern: fine, reason: is too good}]}\n",
      "WatchedTest.WritesAnError");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("3 lines of the logs"),
                                   HasSubstr("server2: /tmp/oracle.log:2: ERROR: disk lost"),
                                   HasSubstr("by rule \"fine\": is too good"),
                                   HasSubstr("ClusterTest::logs() or the key logs")));
  EXPECT_EQ(saved("WatchedTest.WritesAnError/server2/tmp.oracle.log"), "fine\nERROR: disk lost\n");
}

TEST_F(ClusterFileLogsTest, WrongOnesAreRefusedBeforeNodesAreMade) {
  ShellResult result =
      runWith("logs: {sources: [/l], allow: [{pattern: E, reason: y, expires: 2020-01-31}]}\n",
              "PlainTest.WritesNothingBad");
  EXPECT_EQ(result.exitStatus, 64) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("cluster.yaml:5:64: rule \"E\" has expired"),
                                   Not(HasSubstr("made cluster"))));
}

TEST_F(LogOracleTest, WrongRulesAreRefusedBeforeNodesAreMade) {
  ShellResult result = run("ExpiredTest.*:DangerousTest.*:ManyRulesTest.*");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("allow[0]: rule \"ERROR: known\" has expired on 2020-01-31"),
                    HasSubstr("failOn[0]: pattern \"x*\" matches the empty string"),
                    HasSubstr("failOn and allow have 65 patterns, at most 64"),
                    Not(HasSubstr("made cluster")), Not(HasSubstr("it ran"))));
}

}  // namespace
