// `muster metrics` on real nodes.
#include <filesystem>

#include <muster/muster.h>

#include "tests_d/muster/support/shell.h"

namespace {

using namespace muster;
using muster_tests::runShell;
using muster_tests::ShellResult;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class MetricsCommandTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  // `$M` is `muster metrics` for this cluster.
  static ShellResult run(const std::string& text) {
    std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
    return runShell(
        "export MUSTER_CLUSTER=" + cluster().name() + " M='" + program + " metrics'; " + text,
        std::chrono::seconds(60));
  }
};

TEST_F(MetricsCommandTest, ShowsNodesAndProcessesUntilItsTimeIsOver) {
  Daemon daemon(servers()[0], {"sleep", "600"});
  ShellResult result = run("$M @server --process sleep --interval 200ms --for 2s");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
  EXPECT_THAT(result.output, StartsWith("TIME          NODE          PID      PROCESS"));
  EXPECT_THAT(result.output,
              ContainsRegex("[0-9:.]+ +server1 +[0-9]+ +sleep +[0-9]+% +[0-9.]+ KiB"));
  EXPECT_THAT(result.output, ContainsRegex("server2 +- +[0-9]+ processes +[0-9]+%"));
  EXPECT_THAT(result.output, Not(ContainsRegex("server2 +[0-9]+ +sleep")));
}

TEST_F(MetricsCommandTest, JsonHasALineForEachSample) {
  ShellResult result = run("$M server2 --json --interval 100ms --for 1s");
  EXPECT_EQ(result.exitStatus, 0) << result.output;
  EXPECT_THAT(result.output,
              AllOf(StartsWith(R"({"node":"server2","at":")"), HasSubstr(R"("cpu_busy_s":)"),
                    HasSubstr(R"("processes":[])"), Not(HasSubstr("server1"))));
}

// The keeper is killed by its own node, in the middle.
TEST_F(MetricsCommandTest, RecordingThatBeganAnewIsTold) {
  Process killer = servers()[1].start({"sh", "-c", "sleep 1; pkill -KILL -f -- '--role=[a]ll$'"});
  ShellResult result = run("$M server2 --json --interval 100ms --for 8s 2>&1");
  EXPECT_THAT(result.output, HasSubstr(R"({"node":"server2","notes":["the recording began anew)"));
  EXPECT_THAT(result.output, HasSubstr("muster metrics: server2: the recording began anew"));
}

TEST_F(MetricsCommandTest, EndsByASignal) {
  ShellResult result = run("timeout -s INT 2 $M server1 --interval 100ms; echo $?");
  EXPECT_THAT(result.output, AllOf(HasSubstr("server1"), HasSubstr("124")));
}

TEST_F(MetricsCommandTest, WrongWordsAreRefused) {
  struct Case {
    const char* words;
    const char* complaint;
  };
  for (const Case& wrong : {Case{"--interval 0s", "--interval"}, Case{"--interval 50ms", "100"},
                            Case{"--interval 2h", "--interval"}, Case{"--for 0s", "--for"},
                            Case{"--process ''", "is empty; give the name of a program"},
                            Case{"--process /bin/sh", "has a slash"}, Case{"nobody", "nobody"}}) {
    ShellResult result = run(std::string("$M ") + wrong.words);
    EXPECT_TRUE(result.exitStatus == 64 || result.exitStatus == 65) << result.output;
    EXPECT_THAT(result.output, HasSubstr(wrong.complaint));
    EXPECT_THAT(result.output, Not(HasSubstr("TIME")));
  }
}

}  // namespace
