// What `muster run` says of programs that run in a debugger or by a tracer.
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/runs/component.h"

namespace runs {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

bool hasProgram(const std::string& name) {
  return std::system((name + " --version >/dev/null 2>&1").c_str()) == 0;
}

class WrapperTest : public RunDirectoryTest {
 protected:
  WrapperTest() : RunDirectoryTest("broken") {}

  // Makes a program of a shell script.
  void write(const std::string& name, const std::string& body) const {
    std::ofstream(directory_ + "/" + name) << "#!/bin/sh\n" << body;
    ::chmod((directory_ + "/" + name).c_str(), 0755);
  }

  std::string record(const std::string& name) const {
    return contentOf("muster-runs/latest/records/" + name + ".jsonl");
  }
};

TEST_F(WrapperTest, DebuggerRunsTheProcessAndHasOurOutput) {
  write("fake", "echo \"debugging $1 $2\" >&2; shift; \"$@\"; exit 7\n");
  Ended ended = run("Plain.Passes '--debugger=./fake \"two words\"'");
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.err, AllOf(HasSubstr("debugging two words bin/broken_tests"),
                               HasSubstr("[       OK ] Plain.Passes")));
  EXPECT_THAT(record("muster"), HasSubstr("/fake\",\"two words\",\""));
}

TEST_F(WrapperTest, DebuggerIsForOneProcess) {
  write("fake", "exit 1\n");
  Ended ended = run("Plain.Passes Crashes.Passes --debugger=./fake");
  EXPECT_EQ(ended.status, 64);
  EXPECT_THAT(ended.err, HasSubstr("would run in 2 processes; select one"));
  EXPECT_EQ(run("Plain.Passes Crashes.Passes --process-for program --debugger=true").status, 4);
  EXPECT_EQ(run("Plain.Passes --repeat 3 --debugger=./fake").status, 64);
}

TEST_F(WrapperTest, NoLimitHoldsInADebugger) {
  write("fake", "sleep 2; exec \"$@\"\n");
  Ended ended =
      run("Plain.Passes --suite-time-limit 1s --program-time-limit 1s "
          "--run-time-limit 1s --max-duration 1s --debugger=./fake");
  EXPECT_EQ(ended.status, 0) << ended.err;
}

TEST_F(WrapperTest, TestThatTheDebuggerLeftWasCancelled) {
  write("fake", "\"$@\" & sleep 1; kill -9 $!; exit 0\n");
  Ended ended = run("Hangs.ForEver --debugger=./fake");
  EXPECT_EQ(ended.status, 4) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"cancelled\""),
                               HasSubstr("the debugger ended before the program did")));
}

TEST_F(WrapperTest, GdbStopsWhereAnAssertionFails) {
  if (!hasProgram("gdb")) GTEST_SKIP() << "there is no gdb";
  Ended ended = run("Plain.Fails '--debugger=gdb -q -batch -ex run -ex bt -ex continue --args'");
  EXPECT_EQ(ended.status, 1) << ended.err;
  EXPECT_THAT(ended.err, ContainsRegex("#[0-9]+ .*TestBody \\(\\) at .*broken_main"));
  EXPECT_THAT(ended.out, HasSubstr("\"failed\""));
}

TEST_F(WrapperTest, ProgramMayRunTwiceInOneDebugger) {
  write("fake", "\"$@\"; exec \"$@\"\n");
  Ended ended = run("Plain.Passes --debugger=./fake");
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(record("broken_tests-1-again-2"), HasSubstr("\"passed\""));
}

TEST_F(WrapperTest, TracerHasADirectoryOfTheRun) {
  write("fake", "echo \"$2\" >\"$1/words\"; shift; exec \"$@\"\n");
  Ended ended = run("Plain.Passes Plain.Fails Crashes.BySignal --tracer './fake {directory}'");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("--tracer: limits are multiplied by 5"));
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("\"passed\""), HasSubstr("\"failed\""), HasSubstr("SIGSEGV")));
  EXPECT_THAT(contentOf("muster-runs/latest/trace/broken_tests-2/words"),
              HasSubstr("broken_tests"));
  EXPECT_THAT(record("muster"), HasSubstr("\"path\":\"trace/broken_tests-1/words\""));
}

TEST_F(WrapperTest, ProgramEndsInTimeUnderATracerThatKeepsSignals) {
  if (!hasProgram("strace")) GTEST_SKIP() << "there is no strace";
  Ended ended =
      run("Plain.Passes Hangs.ForEver --suite-time-limit 2s --wait-multiplier 1 "
          "--tracer 'strace -f -o {directory}/calls'");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"passed\""), HasSubstr("\"timed out\""),
                               Not(HasSubstr("was killed"))));
  EXPECT_THAT(contentOf("muster-runs/latest/trace/broken_tests-1/calls"), HasSubstr("execve("));
}

TEST_F(WrapperTest, CommandThatCannotBeRunIsRefused) {
  EXPECT_EQ(run("Plain.Passes --tracer no-such-program").status, 64);
  EXPECT_EQ(run("Plain.Passes --tracer \"strace 'x\"").status, 64);
  EXPECT_EQ(run("Plain.Passes --tracer ''").status, 64);
  EXPECT_EQ(run("Plain.Passes --debugger=true --tracer true").status, 64);
  EXPECT_EQ(run("Plain.Passes --debugger=true --until-fail").status, 64);
}

}  // namespace
}  // namespace runs
