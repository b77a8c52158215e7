// What is taken from the nodes of a test that failed, and by `muster collect`. Each case runs some
// of programs/oracle_main.cc on a cluster file with `collect`.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <muster/muster.h>

#include "tests_d/muster/support/shell.h"
#include "tests_d/muster/support/test_program.h"

namespace {

using muster_tests::runShell;
using muster_tests::ShellResult;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

class CollectTest : public testing::Test {
 protected:
  ShellResult run(const std::string& collect, const std::string& filter) {
    std::ofstream(file_) << "name: collect-" << getpid()
                         << "\nnodes:\n  server[1-2]: {role: server}\n"
                         << "  client1: {role: client, collect: {files: [/etc/hostname]}}\n"
                         << "collect:\n"
                         << collect;
    return program_.run({.arguments = "--cluster=" + file_ + " --gtest_filter=" + filter});
  }
  std::string of(const std::string& test, const std::string& path) const {
    return program_.content("muster-test-logs/" + test + "/collected/" + path);
  }

  muster_tests::TestProgram program_{"muster-test-logs"};
  std::string file_ = program_.directory() + "/cluster.yaml";
};

TEST_F(CollectTest, FailedTestLeavesFilesAndOutputsOfEachNode) {
  ShellResult result =
      run("  files: [/tmp/oracle*.log, /tmp/none.log, /tmp]\n"
          "  commands: [echo from $(hostname), [sh, -c, exit 3], [no-such-program]]\n",
          "FailingTest.ByItself:PlainTest.WritesNothingBad");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("collected from the nodes of FailingTest.ByItself"),
                                   HasSubstr("server1: 1 file and 3 outputs"),
                                   HasSubstr("[       OK ] PlainTest.WritesNothingBad"),
                                   Not(HasSubstr("from the nodes of PlainTest.WritesNothing"))));
  const std::string test = "FailingTest.ByItself";
  // The other test has written the first two lines.
  EXPECT_EQ(of(test, "server2/files/tmp/oracle.log"), "fine\nERROR: known\nfine\n");
  EXPECT_THAT(of(test, "client1/collected.txt"), HasSubstr("files/etc/hostname: "));
  EXPECT_THAT(of(test, "server1/collected.txt"), Not(HasSubstr("hostname: ")));
  EXPECT_THAT(of(test, "server2/commands/01-echo_from_hostname_.txt"),
              AllOf(HasSubstr("\nfrom server2\n"), HasSubstr("exited with status 0")));
  EXPECT_THAT(
      of(test, "server1/collected.txt"),
      AllOf(HasSubstr("/tmp/none.log: there is none"), HasSubstr("/tmp: is no regular file"),
            HasSubstr("02-exit_3.txt: exited with"), HasSubstr("03-no-such-program.txt: ")));
}

TEST_F(CollectTest, SizeIsBoundedAndTheEndsOfLargeFilesAreTaken) {
  ShellResult result =
      run("  files: [\"/tmp/collect/*\"]\n  max_size: 64KiB\n", "FailingTest.WithLargeFiles");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  std::string server = "FailingTest.WithLargeFiles";
  EXPECT_EQ(of(server, "server1/files/tmp/collect/small"), "small\n");
  for (const char* name : {"large1", "large2"}) {
    std::string content = of(server, std::string("server1/files/tmp/collect/") + name);
    EXPECT_EQ(content.size(), (64u * 1024 - 6) / 2) << name;
    EXPECT_THAT(content, EndsWith("END\n")) << name;
  }
  EXPECT_THAT(of(server, "server1/collected.txt"),
              AllOf(HasSubstr("of at most 65536 bytes"), HasSubstr("/large1: the first "),
                    HasSubstr(" bytes are left out")));
}

TEST_F(CollectTest, NodeThatIsOffIsSaidAndDelaysNoOther) {
  ShellResult result = run("  files: [/tmp/oracle.log]\n", "FailingTest.WithANodeOff");
  EXPECT_EQ(result.exitStatus, 1) << result.output;
  const std::string test = "FailingTest.WithANodeOff";
  EXPECT_EQ(of(test, "server1/files/tmp/oracle.log"), "fine\n");
  EXPECT_THAT(of(test, "server2/collected.txt"),
              AllOf(HasSubstr("nothing was taken: node server2"), HasSubstr("unreachable")));
}

// `muster collect` on a cluster of this suite.
class CollectCommandTest : public muster::ClusterTest {
 protected:
  CollectCommandTest() {
    fs::create_directories(directory_);
    servers().shell("echo one > /tmp/by-hand.log").checked();
  }
  ~CollectCommandTest() override { fs::remove_all(directory_); }

  ShellResult run(const std::string& text) {
    std::string program = fs::read_symlink("/proc/self/exe").parent_path() / "muster";
    return runShell("cd " + directory_ + "; export MUSTER_CLUSTER=" + cluster().name() + " M='" +
                        program + " collect'; " + text,
                    std::chrono::seconds(60));
  }

  std::string directory_ = "/tmp/muster-collect-command-" + std::to_string(getpid());
};

TEST_F(CollectCommandTest, TakesWhatItsOptionsName) {
  ShellResult result =
      run("$M server1 --file '/tmp/by-h*.log' --command hostname -o out; "
          "cat out/server1/files/tmp/by-hand.log out/server1/commands/*");
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("server1: 1 file and 1 output, "), HasSubstr("\nout\n"),
                    HasSubstr("one\n"), HasSubstr("\nserver1\n")));
  EXPECT_EQ(result.exitStatus, 0);
}

TEST_F(CollectCommandTest, EndsInItsTimeWithWhatCame) {
  ShellResult result =
      run("timeout 30 $M --command 'echo begun; sleep 100' --command date --file /tmp/by-hand.log "
          "--time-limit 4s -o out; cat out/server1/*/01*");
  EXPECT_THAT(result.output, AllOf(HasSubstr("server1: 1 file and 1 output"),
                                   HasSubstr("01-echo_begun_sleep_100.txt: killed"),
                                   HasSubstr("was not run: the time for commands is over"),
                                   HasSubstr("\nbegun\n")));
  EXPECT_EQ(result.exitStatus, 0);
}

TEST_F(CollectCommandTest, WrongCommandLinesAreRefused) {
  EXPECT_THAT(run("$M").output, HasSubstr("has no key \"collect\""));
  EXPECT_THAT(run("$M --file x").output, HasSubstr("absolute path"));
  EXPECT_THAT(run("$M --file /x --max-size 5GiB").output, HasSubstr("from 1 byte to 4GiB"));
  ShellResult again = run("mkdir -p out/server1; $M --file /x -o out");
  EXPECT_EQ(again.exitStatus, 73);
  EXPECT_THAT(again.output, HasSubstr("out/server1: is there already"));
}

}  // namespace
