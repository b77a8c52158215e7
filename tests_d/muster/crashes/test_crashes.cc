// Which tests a crash makes fail, and what the failure says. Each case runs some of
// programs/crashes_main.cc on nodes of its own.
#include <fstream>

#include <muster/muster.h>

#include "tests_d/muster/support/test_program.h"

namespace {

using muster_tests::ShellResult;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CrashesTest : public testing::Test {
 protected:
  ShellResult run(const std::string& filter, const std::string& options = "") {
    return program_.run({.arguments = options + " --gtest_filter=" + filter});
  }

  // Tells whether the kernel writes cores to files beside the process.
  static bool hasCoreFiles() {
    std::string pattern;
    std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern);
    return !pattern.empty() && pattern.find_first_of("|/%") == std::string::npos;
  }

  muster_tests::TestProgram program_{"muster-test-crashes"};
};

TEST_F(CrashesTest, DaemonThatAbortsFailsItsTestAndNoOther) {
  ShellResult result =
      run("CrashTest.DaemonAborts:CrashTest.DaemonAbortsAndIsWaitedFor:CrashTest.NothingHappens");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("a process crashed on node server1: sh (pid "),
                                   HasSubstr("was killed by SIGABRT (Aborted)"),
                                   HasSubstr("known from the end of a command \"sh\""),
                                   HasSubstr("[  FAILED  ] CrashTest.DaemonAborts ("),
                                   HasSubstr("[  FAILED  ] CrashTest.DaemonAbortsAndIsWaitedFor"),
                                   HasSubstr("[       OK ] CrashTest.NothingHappens")));
}

TEST_F(CrashesTest, WhatTheTestAskedForIsItsOwnMatter) {
  ShellResult result = run("CrashTest.CommandCrashesAndIsLookedAt:CrashTest.TestSendsTheSignal");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
}

TEST_F(CrashesTest, ProcessThatNobodyWaitsForFailsItsTest) {
  ShellResult result = run("CrashTest.ProcessCrashesAndNobodyWaits");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("was killed by SIGSEGV"));
}

TEST_F(CrashesTest, CoreOfAGrandchildHasItsStacks) {
  if (!hasCoreFiles()) GTEST_SKIP() << "the machine's core_pattern is no plain name";
  ShellResult result = run("CrashTest.GrandchildLeavesACore");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("a process crashed on node server1: "), HasSubstr("SIGSEGV"),
                    HasSubstr("core dumped"), HasSubstr("a core file \"/srv/work/core\""),
                    HasSubstr("\n  stacks:")));
  bool hasGdb = std::filesystem::exists("/usr/bin/gdb");
  EXPECT_THAT(result.output,
              HasSubstr(hasGdb ? "Thread 1 (" : "none, because the node has no gdb"));
}

TEST_F(CrashesTest, ScopeAllowsWithinItselfOnly) {
  if (!hasCoreFiles()) GTEST_SKIP() << "the machine's core_pattern is no plain name";
  ShellResult result = run("CrashTest.CrashIsAllowedInABlock:CrashTest.CrashComesBehindTheBlock");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("[       OK ] CrashTest.CrashIsAllowedInABlock"),
                                   HasSubstr("[  FAILED  ] CrashTest.CrashComesBehindTheBlock"),
                                   HasSubstr("rule \"sh\" (it kills itself) has allowed no crash"),
                                   Not(HasSubstr("by signal 11 (it kills itself) has allowed"))));
}

TEST_F(CrashesTest, ScopeIsForItsNodes) {
  ShellResult result = run("CrashTest.CrashIsAllowedOnAnotherNode");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("crashed on node server1"));
}

TEST_F(CrashesTest, ExpectedCrashMustCome) {
  ShellResult result = run("CrashTest.CrashIsExpected*");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("[       OK ] CrashTest.CrashIsExpectedAndComes"),
                    HasSubstr("an expected crash did not come: \"kvd\" (the disk is full)"),
                    HasSubstr("[  FAILED  ] CrashTest.CrashIsExpectedAndDoesNotCome")));
}

TEST_F(CrashesTest, ReportsOfSanitizersFailTheTestThatTheyBelongTo) {
  ShellResult result = run("CrashTest.SanitizerReports*:CrashTest.NothingHappens");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("==1==ERROR: AddressSanitizer: heap-use-after-free"),
                    HasSubstr("  #0 in main"), HasSubstr("\"/tmp/tsan.77\""),
                    HasSubstr("WARNING: ThreadSanitizer: data race"),
                    HasSubstr("[  FAILED  ] CrashTest.SanitizerReportsToStandardError"),
                    HasSubstr("[  FAILED  ] CrashTest.SanitizerReportsToAFile"),
                    HasSubstr("[       OK ] CrashTest.NothingHappens")));
}

TEST_F(CrashesTest, BadRulesAreRefused) {
  ShellResult result = run("CrashTest.BadRulesAreRefused");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
}

TEST_F(CrashesTest, CrashesCanBeIgnored) {
  ShellResult result = run("CrashTest.DaemonAborts", "--ignore-crashes");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
}

}  // namespace
