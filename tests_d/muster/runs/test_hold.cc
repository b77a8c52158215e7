// What becomes of a test that --hold-on-failure holds: by `muster resume` and `muster release`, by
// time, and by the death of all that have to do with it.
#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/runs/component.h"

namespace runs {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

// Steps of a script, which runs `muster run` beside itself as process $p.
class HoldSteps : public RunDirectoryTest {
 protected:
  using RunDirectoryTest::RunDirectoryTest;

  // The runner shows a hold a moment after it has begun.
  std::string begin(const std::string& words) const {
    return muster_ + " run --bin-dir bin " + words + " --json >out 2>err & p=$!; " +
           "for i in $(seq 400); do grep -q ' resume ' err && " + muster_ +
           " runs --json 2>&- | grep -q until_realtime && break; sleep 0.1; done; ";
  }

  // Prints the exit status of `muster` with these words.
  std::string step(const std::string& words) const { return muster_ + " " + words + "; echo $?; "; }

  std::string end() const { return "wait $p; echo run $?; cat out err"; }
};

class HoldRunTest : public HoldSteps {
 protected:
  HoldRunTest() : HoldSteps("broken") {}
};

TEST_F(HoldRunTest, TestGoesOnWhenItIsResumed) {
  Ended ended = script(begin("Plain.Fails Plain.Passes --hold-on-failure") + step("runs") +
                       step("resume latest") + end());
  EXPECT_THAT(ended.out, AllOf(ContainsRegex("held until [0-9:]+ UTC"), HasSubstr("0\n0\nrun 1\n"),
                               HasSubstr("muster: held: broken/Plain.Fails failed at"),
                               HasSubstr("the hold is over: resumed by muster resume"),
                               HasSubstr("\"passed\"")))
      << ended.err;
}

TEST_F(HoldRunTest, ReleasedTestHasFailedAndTheOthersRun) {
  Ended ended = script(begin("Plain.Fails Plain.Passes --hold-on-failure=1h") +
                       step("release latest") + end());
  EXPECT_THAT(ended.out, AllOf(HasSubstr("0\nrun 1\n"), HasSubstr("\"failed\""),
                               HasSubstr("\"passed\""), Not(HasSubstr("\"cancelled\""))))
      << ended.err;
}

TEST_F(HoldRunTest, ProgramThatWasStartedByHandIsResumedToo) {
  Ended ended = script(
      "bin/broken_tests --gtest_filter=Plain.Fails --hold-on-failure >out 2>err & "
      "p=$!; for i in $(seq 400); do grep -q ' resume ' err && break; sleep 0.1; "
      "done; $(sed -n 's/ *\\(.* resume [^ ]*\\) .*/\\1/p' err); echo $?; " +
      end());
  EXPECT_THAT(ended.out, AllOf(HasSubstr("0\nrun 1\n"), HasSubstr("Plain.Fails failed at"),
                               HasSubstr("resumed by muster resume")))
      << ended.err;
}

TEST_F(HoldRunTest, LimitsDoNotCountIt) {
  Ended ended =
      run("Plain.Fails Plain.Passes --process-for program --suite-time-limit 3s "
          "--program-time-limit 3s --run-time-limit 3s --max-duration 3s "
          "--hold-on-failure=4s");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"failed\""), HasSubstr("\"passed\""),
                               Not(HasSubstr("\"timed out\""))));
  EXPECT_THAT(ended.err, AllOf(HasSubstr("the hold is over: its time is over (4.00 s)"),
                               Not(HasSubstr("gate:"))));
}

TEST_F(HoldRunTest, WhatIsNotHeldIsSaid) {
  EXPECT_EQ(run("Plain.Passes --hold-on-failure").status, 0);
  Ended resume = muster("resume latest");
  EXPECT_EQ(resume.status, 65);
  EXPECT_THAT(resume.err, HasSubstr("does not run, so that no test of it is held"));
  EXPECT_EQ(muster("release no-such-run").status, 66);
  EXPECT_EQ(run("Plain.Passes --hold-freeze").status, 64);
}

TEST_F(HoldRunTest, CancelEndsIt) {
  Ended ended = script(begin("Plain.Fails Plain.Passes --hold-on-failure=1h") +
                       step("cancel latest") + end());
  EXPECT_THAT(ended.out, AllOf(HasSubstr("0\nrun 4\n"), HasSubstr("\"cancelled\""),
                               HasSubstr("the hold is over: cancelled")));
}

TEST_F(HoldRunTest, NothingIsHeldWhenTheProgramOrTheRunnerIsKilled) {
  const std::string program = "$(sed -n 's/ *gdb -p \\(.*\\)/\\1/p' err)";
  Ended ended = script(begin("Plain.Fails --hold-on-failure=1h") + "kill -9 " + program + "; " +
                       end() + "; " + step("resume latest"));
  EXPECT_THAT(ended.out, AllOf(HasSubstr("run 1\n"), HasSubstr("\"crashed\""))) << ended.err;
  EXPECT_THAT(ended.out, ::testing::EndsWith("65\n"));
  ended = script(begin("Plain.Fails --hold-on-failure=1h") + "g=" + program +
                 "; kill -9 $p; for i in $(seq 300); do kill -0 $g 2>&- || break; sleep 0.1; done; "
                 "kill -0 $g && echo it lives; " +
                 step("resume latest"));
  EXPECT_THAT(ended.out, AllOf(HasSubstr("65\n"), Not(HasSubstr("it lives")))) << ended.err;
}

class HeldNodesTest : public HoldSteps {
 protected:
  HeldNodesTest() : HoldSteps("held") {}
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "nodes of this machine need root";
  }

  // Does what a line of the output says that contains `words`, with its debugger replaced.
  static std::string follow(const std::string& words, const std::string& instead = "") {
    return "$(grep -e '" + words +
           "' err | head -1 | sed -e 's/^ *//' -e 's/ *#.*//' -e 's/gdb -p/" +
           (instead.empty() ? "gdb -p" : instead) + "/'); ";
  }

  // What is left of the cluster that `err` names.
  std::string cluster() const {
    std::string text = contentOf("err");
    size_t at = text.find("MUSTER_CLUSTER=") + 15;
    return text.substr(at, text.find(' ', at) - at);
  }
};

TEST_F(HeldNodesTest, NodesAreThereForShellsDebuggersAndOtherPrograms) {
  Ended ended =
      script(begin("Nodes.Fails --hold-on-failure --hold-freeze") +
             follow("gdb -p .*sleep", "ps -o comm=,state= -p") + "echo hostname | " +
             follow(" shell --cluster") + "export $(grep -o 'MUSTER_CLUSTER=[^ ]*' err); " +
             "bin/held_tests --gtest_filter=Nodes.RunsACommand --run-dir=other; echo other $?; " +
             step("resume latest") + end());
  EXPECT_THAT(ended.out, AllOf(HasSubstr("sleep           T"), HasSubstr("\nserver1\n"),
                               HasSubstr("other 0\n0\nrun 1\n"), HasSubstr("it runs")))
      << ended.err;
  EXPECT_FALSE(fs::exists("/run/muster/" + cluster()));
}

TEST_F(HeldNodesTest, ProgramsAreFrozenByName) {
  std::string look = muster_ +
                     " exec --cluster $(grep -o 'MUSTER_CLUSTER=[^ ]*' err | cut -d= -f2) "
                     "server1 -- sh -c 'ps -o state=,args= -p $(pgrep -f \"^sleep 3000\")'; ";
  for (const std::string names : {"", "=sleep"}) {
    Ended ended =
        script(begin("Nodes.FailsBesideAnOrphan --hold-on-failure --hold-freeze" + names) + look +
               step("resume latest") + end());
    EXPECT_THAT(ended.out, AllOf(HasSubstr(names.empty() ? "S sleep 3000" : "T sleep 3000"),
                                 HasSubstr("run 1\n")))
        << ended.err;
  }
}

TEST_F(HeldNodesTest, DebuggerIsAttachedAsItIsPrinted) {
  if (std::system("gdb --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no gdb";
  Ended ended = script(begin("Nodes.Fails --hold-on-failure") + "echo 'info proc' | " +
                       follow("gdb -p .*sleep") + step("release latest") + end());
  EXPECT_THAT(ended.out, AllOf(HasSubstr("cmdline = 'sleep 1000'"), HasSubstr("0\nrun 1\n")))
      << ended.err;
  EXPECT_FALSE(fs::exists("/run/muster/" + cluster()));
}

TEST_F(HeldNodesTest, NodesOfACrashedProgramAreHeldByTheRunner) {
  Ended ended = script(begin("Nodes.Crashes Nodes.RunsACommand --hold-on-failure") +
                       follow("gdb -p .*sleep", "ps -o args= -p") + step("resume latest") + end());
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("sleep 2000\n0\nrun 1\n"), HasSubstr("held: held/Nodes.Crashes"),
                    HasSubstr("\"crashed\""), HasSubstr("\"passed\"")))
      << ended.err;
  EXPECT_FALSE(fs::exists("/run/muster/" + cluster()));
}

TEST_F(HeldNodesTest, NodesOfAKilledRunnerAreRemoved) {
  for (const char* test : {"Nodes.Fails", "Nodes.Crashes"}) {
    Ended ended = script(begin(std::string(test) + " --hold-on-failure") +
                         "c=$(grep -o 'MUSTER_CLUSTER=[^ ]*' err | cut -d= -f2); ls -d "
                         "/run/muster/$c; kill -9 $p; for i in $(seq 300); do [ -d /run/muster/$c "
                         "] || break; sleep 0.1; done; [ -d /run/muster/$c ] && echo left");
    EXPECT_THAT(ended.out, AllOf(HasSubstr("/run/muster/run-"), Not(HasSubstr("left"))))
        << ended.err;
  }
}

}  // namespace
}  // namespace runs
