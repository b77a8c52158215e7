// What is written about the nodes of a test before it is ended. Each case runs a test of
// programs/crashes_main.cc that hangs.
#include <muster/muster.h>

#include "tests_d/muster/support/test_program.h"

namespace {

using muster_tests::ShellResult;
using testing::AllOf;
using testing::HasSubstr;

class LastLookTest : public testing::Test {
 protected:
  // `behind` is what the shell does meanwhile.
  ShellResult run(const std::string& environment, const std::string& options,
                  const std::string& behind = "") {
    return program_.run({.environment = environment,
                         .arguments = options + " --gtest_filter=HangTest.*",
                         .behind = behind});
  }

  static constexpr const char* kFile =
      "muster-test-crashes/HangTest.WaitsForWhatDoesNotCome/last-look.txt";
  std::string written() const { return program_.content(kFile); }
  std::string path() const { return program_.directory() + "/" + kFile; }

  void expectWhole() {
    EXPECT_THAT(written(),
                AllOf(HasSubstr("==== node server1: "), HasSubstr("==== node server2: "),
                      HasSubstr("\"HangTest.WaitsForWhatDoesNotCome\": [\"sleep\", \"4711\"]"),
                      HasSubstr("/tmp/hang.log: before it hangs"), HasSubstr(" sleep 4711\n"),
                      HasSubstr("waits in ")));
  }

  muster_tests::TestProgram program_{"muster-test-crashes"};
};

TEST_F(LastLookTest, ComesBeforeTheTimeOfTheTestIsOver) {
  ShellResult result = run("", "--muster-test-time=10s");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("last look at the nodes of HangTest.WaitsForWhatDoesNotCome: " + path()));
  expectWhole();
  EXPECT_THAT(written(), HasSubstr("its time is nearly over"));
}

TEST_F(LastLookTest, ComesBeforeTheTimeOfTheProgramIsOver) {
  ShellResult result = run("MUSTER_PROGRAM_TIME=15s", "--muster-test-time=20s");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  expectWhole();
}

TEST_F(LastLookTest, ComesWhenTheTestIsCancelled) {
  // The machine sees the command of the node. A shell makes its background deaf to SIGINT.
  std::string stop =
      " & program=$!; for i in $(seq 600); do pgrep -f '^sleep 4711' >/dev/null && break; "
      "sleep 0.1; done; kill -TERM $program; wait $program";
  ShellResult result = run("", "", stop);
  EXPECT_THAT(result.output, HasSubstr("cancelled: SIGTERM"));
  expectWhole();
  EXPECT_THAT(written(), HasSubstr("cancelled: SIGTERM"));
}

}  // namespace
