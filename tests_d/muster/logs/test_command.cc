// `muster logs` on real nodes: marks in a file, what was logged since, and following.
#include <filesystem>
#include <fstream>

#include <muster/muster.h>

#include "component.h"
#include "tests_d/muster/support/shell.h"

namespace {

using namespace muster;
using namespace logs_tests;
using muster_tests::runShell;
using muster_tests::ShellResult;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LogsCommandTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  LogsCommandTest() {
    std::filesystem::create_directories(directory_);
    servers().run({"sh", "-c", "echo before > /tmp/command.log"}).checked();
  }
  ~LogsCommandTest() override { std::filesystem::remove_all(directory_); }

  // `$M` is `muster logs` for this cluster.
  ShellResult run(const std::string& text) {
    std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
    return runShell("cd " + directory_ + "; export MUSTER_CLUSTER=" + cluster().name() + " M='" +
                        program + " logs'; " + text,
                    std::chrono::seconds(30));
  }

  std::string directory_ = "/tmp/muster-logs-command-" + std::to_string(getpid());
};

TEST_F(LogsCommandTest, ShowsWhatWasLoggedSinceItsMarks) {
  ASSERT_EQ(run("$M --file '/tmp/command*.log' --mark marks").exitStatus, 0);
  append(servers()[0], "/tmp/command.log", "ERROR: one");
  append(servers()[1], "/tmp/command.log", "fine");
  EXPECT_EQ(run("$M server1 --since-mark marks").output, "server1 /tmp/command.log: ERROR: one\n");
  EXPECT_THAT(run("$M --since-mark marks --json").output,
              AllOf(HasSubstr(R"({"node":"server1","file":"/tmp/command.log","number":1,)"),
                    HasSubstr(R"("text":"fine")")));
  EXPECT_THAT(run("$M --since-mark marks --grep ERROR").output, Not(HasSubstr("fine")));
}

TEST_F(LogsCommandTest, ShowsEverythingWithoutMarks) {
  EXPECT_EQ(run("$M server2 --file /tmp/command.log").output, "server2 /tmp/command.log: before\n");
}

TEST_F(LogsCommandTest, ShowsThoseThatTheClusterFileNames) {
  std::ofstream(directory_ + "/c.yaml")
      << "name: " << cluster().name() << "\nnodes: {\"server[1-" << servers().size()
      << "]\": {role: server}}\n"
      << "logs: {sources: [{files: /tmp/command.log, nodes: server2}]}\n";
  ShellResult result = run("MUSTER_CLUSTER=./c.yaml $M");
  EXPECT_EQ(result.output, "server2 /tmp/command.log: before\n");
  EXPECT_EQ(result.exitStatus, 0);
}

TEST_F(LogsCommandTest, FollowsUntilItIsEnded) {
  Process writer = servers()[0].start(
      {"sh", "-c", "for i in $(seq 100); do echo line $i >> /tmp/command.log; sleep 0.1; done"});
  ShellResult result = run("timeout -s TERM 3 $M server1 -f --file /tmp/command.log");
  EXPECT_THAT(result.output, AllOf(HasSubstr("line "), Not(HasSubstr("before"))));
}

TEST_F(LogsCommandTest, WrongCommandLinesAreRefused) {
  EXPECT_THAT(run("$M").output, AllOf(HasSubstr("name the logs"), HasSubstr("no key \"logs\"")));
  EXPECT_THAT(run("$M --file command.log").output, HasSubstr("absolute path"));
  EXPECT_THAT(run("$M --file /tmp/x --grep 'x*'").output, HasSubstr("matches the empty string"));
  EXPECT_EQ(run("echo no > marks; $M --since-mark marks").exitStatus, 65);
}

}  // namespace
