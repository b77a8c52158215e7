// What is written about the nodes of a test before it is ended. Each case runs a test of
// programs/crashes_main.cc that hangs.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <muster/muster.h>

#include "tests_d/muster/support/shell.h"

namespace {

using muster_tests::runShell;
using muster_tests::ShellResult;
using testing::AllOf;
using testing::HasSubstr;

class LastLookTest : public testing::Test {
 protected:
  LastLookTest() {
    directory_ = "/tmp/muster-last-look-" + std::to_string(getpid());
    std::filesystem::create_directories(directory_);
  }
  ~LastLookTest() override { std::filesystem::remove_all(directory_); }

  // `environment` stands before the program, and `behind` is what the shell does meanwhile.
  ShellResult run(const std::string& environment, const std::string& options,
                  const std::string& behind = "") {
    std::string program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster-test-crashes";
    return runShell("unset MUSTER_CLUSTER MUSTER_RUN_ID MUSTER_PROGRAM_TIME; " + environment +
                        " MUSTER_RUN_DIR=" + directory_ + " " + program + " " + options +
                        " --gtest_filter=HangTest.*" + behind,
                    std::chrono::seconds(120));
  }

  std::string written() const {
    std::ostringstream text;
    text << std::ifstream(path()).rdbuf();
    return text.str();
  }

  std::string path() const {
    return directory_ + "/muster-test-crashes/HangTest.WaitsForWhatDoesNotCome/last-look.txt";
  }

  void expectWhole() {
    EXPECT_THAT(written(),
                AllOf(HasSubstr("==== node server1: "), HasSubstr("==== node server2: "),
                      HasSubstr("\"HangTest.WaitsForWhatDoesNotCome\": [\"sleep\", \"4711\"]"),
                      HasSubstr("/tmp/hang.log: before it hangs"), HasSubstr(" sleep 4711\n"),
                      HasSubstr("waits in ")));
  }

  std::string directory_;
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
