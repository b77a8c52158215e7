// Commands start as requested, and their ends are reported as they were.
#include <errno.h>
#include <signal.h>

#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::Eq;
using testing::HasSubstr;

class ExecTest : public ClusterTest {
 protected:
  Node& node() { return servers()[0]; }
};

// A shell reports a signal as a status above 128. Here the two stay apart.
TEST_F(ExecTest, StatusesAndSignalsAreReportedExactly) {
  EXPECT_THAT(node().run({"true"}), Succeeded());
  EXPECT_THAT(node().shell("exit 255"), ExitedWith(255));
  EXPECT_THAT(node().shell("kill -SEGV $$"), Signalled(SIGSEGV));
  EXPECT_THAT(node().shell("kill -KILL $$"), Signalled(SIGKILL));
}

TEST_F(ExecTest, CommandThatCannotStartSaysWhy) {
  EXPECT_THAT(node().run({"no-such-program"}), NotStarted(ENOENT));
  EXPECT_THAT(node().run({"/etc/hostname"}), NotStarted(EACCES));
  EXPECT_THAT(node().run({"true"}, {.directory = "/no/such/place"}), NotStarted(ENOENT));
}

// A wrong request is a mistake in the test, so the error says where to look.
TEST_F(ExecTest, BadRequestsNameTheField) {
  EXPECT_THAT([&] { node().run({}); }, FailsWith(NodeError::Kind::kInvalid, HasSubstr("argv")));
  EXPECT_THAT([&] { node().run({"true"}, {.deadline = 0s}); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("deadline")));
  EXPECT_THAT(
      [&] {
        node().run({"true"}, {.environment = {{"A=B", "c"}}});
      },
      FailsWith(NodeError::Kind::kInvalid, HasSubstr("environment")));
}

TEST_F(ExecTest, UserDirectoryAndEnvironmentAreAsAsked) {
  RunOptions options{.environment = {{"COLOUR", "blue"}}, .directory = "/tmp", .user = "nobody"};
  EXPECT_THAT(node().shell("id -un; pwd; echo $COLOUR", options), StdoutIs("nobody\n/tmp\nblue\n"));
  // The only variable is the mark by which the agent finds the command's processes.
  EXPECT_THAT(node().run({"env"}, {.environmentBase = EnvironmentBase::kNone}),
              StdoutIs(testing::MatchesRegex("NODEAGENT_JOB=[^\n]*\n")));
}

TEST_F(ExecTest, InputIsReadToItsEndWhateverItsSize) {
  EXPECT_THAT(node().run({"cat"}), StdoutIs(""));
  EXPECT_THAT(node().run({"cat"}, {.input = "a\nb"}), StdoutIs("a\nb"));
  std::string big(3 << 20, 'x');
  EXPECT_THAT(node().run({"wc", "-c"}, {.input = big}), StdoutIs("3145728\n"));
  EXPECT_EQ(node().run({"cat"}, {.input = big}).out.size(), big.size());
}

// A descendant with a session of its own gets no signal that is sent to the process group.
TEST_F(ExecTest, DeadlineEndsEveryDescendant) {
  Result result =
      node().shell("setsid sleep 4711 & sleep 4711", {.deadline = 300ms, .grace = 100ms});
  EXPECT_THAT(result, HitDeadline());
  EXPECT_LT(result.elapsed, 5s);
  EXPECT_THAT(node(), Eventually(Runs({"pgrep", "-f", "sleep 4711"}, ExitedWith(1)), 5s));
}

// A test that sees only a part of the output must know how much is missing.
TEST_F(ExecTest, OverflowIsCountedExactly) {
  Argv megabyte = {"head", "-c", "1000000", "/dev/zero"};
  Result head =
      node().run(megabyte, {.outputBytesMax = 65536, .overflow = OutputOverflow::kKeepHead});
  EXPECT_EQ(head.out.size() + head.outDroppedBytes, 1000000u);
  EXPECT_GT(head.outDroppedBytes, 0u);
  EXPECT_THAT(node().run({"cat", "/dev/zero"},
                         {.outputBytesMax = 65536, .overflow = OutputOverflow::kKill}),
              HitOutputLimit());
}

// A daemon that a command leaves may keep its output open. The result does not wait for it, and
// names it.
TEST_F(ExecTest, ProcessThatHoldsTheOutputDelaysNoResult) {
  Result result = node().shell("sleep 4712 & echo done");
  EXPECT_THAT(result, Prints("done"));
  EXPECT_LT(result.elapsed, 5s);
  ASSERT_EQ(result.leftRunning, 1u);
  ASSERT_EQ(result.holders.size(), 1u);
  EXPECT_THAT(result.holders[0].command, HasSubstr("sleep"));
  EXPECT_THAT(node().run({"pkill", "-f", "sleep 4712"}), Succeeded());
}

TEST_F(ExecTest, MergedErrorsKeepTheirOrder) {
  Result result = node().shell("echo a; echo b >&2; echo c", {.stderrTo = StderrTo::kStdout});
  EXPECT_THAT(result, AllOf(StdoutIs("a\nb\nc\n"), StderrIs("")));
}

// The command turns to the other stream only after the test has seen what it wrote before.
TEST_F(ExecTest, StreamsAreMergedInTheOrderOfTheirReads) {
  Process process = node().start({"sh", "-c",
                                  "echo one >&2; read line; printf two; read line; "
                                  "echo three >&2; read line; echo ' four'"});
  EXPECT_THAT([&] { return process.errors(); }, Eventually(Eq("one\n"), 10s));
  process.write("\n");
  EXPECT_THAT([&] { return process.output(); }, Eventually(Eq("two"), 10s));
  process.write("\n");
  EXPECT_THAT([&] { return process.errors(); }, Eventually(Eq("one\nthree\n"), 10s));
  process.write("\n");
  EXPECT_EQ(process.wait(10s).merged(), "one\ntwothree\n four\n");
}

TEST_F(ExecTest, FailureTextNamesNodeCommandAndLastLines) {
  std::string text = describe(node().shell("echo no quorum >&2; echo giving up >&2; exit 3"));
  EXPECT_THAT(text, AllOf(HasSubstr("node server1"), HasSubstr("exited with status 3"),
                          HasSubstr("stderr:\n    no quorum\n    giving up")));
}

}  // namespace
