// Sample 1: run a command on a node and look at what came back.
#include <muster/muster.h>

using namespace muster;

// A suite declares the nodes that it needs. If no cluster is configured, these nodes are made for
// it.
class CommandSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

TEST_F(CommandSample, PrintsAndSucceeds) {
  Result result = servers()[0].run({"echo", "hello"});
  EXPECT_THAT(result, AllOf(Succeeded(), StdoutIs("hello\n")));
}

// Every way in which a command can end is a value. None of these calls throws.
TEST_F(CommandSample, EveryOutcomeIsAValue) {
  Node& node = servers()[0];
  EXPECT_THAT(node.shell("exit 3"), ExitedWith(3));
  EXPECT_THAT(node.shell("kill -SEGV $$"), Signalled(SIGSEGV));
  EXPECT_THAT(node.run({"no-such-program"}), NotStarted(ENOENT));
  EXPECT_THAT(node.run({"sleep", "60"}, {.deadline = 100ms}), HitDeadline());
}

// Where a test only goes on if a command succeeds, it takes its output at once. Another end throws,
// with the outcome and the last lines of both streams.
TEST_F(CommandSample, OutputOfACommandThatMustSucceed) {
  Node& node = servers()[0];
  EXPECT_EQ(node.output({"uname", "-n"}), node.name() + "\n");
  std::string users = node.shell("wc -l < /etc/passwd").checked().line();
  EXPECT_GT(std::stoi(users), 0);
  EXPECT_THAT(
      [&] {
        return node.output({"cat", "/none"});
      },
      FailsWith(NodeError::Kind::kCommandFailed, testing::HasSubstr("No such file")));
}

// No shell is involved unless it is asked for.
TEST_F(CommandSample, ArgumentsReachTheProgramAsTheyAre) {
  EXPECT_THAT(servers()[0].run({"printf", "%s", "$HOME *"}), StdoutIs("$HOME *"));
}

TEST_F(CommandSample, OptionsSayWhoWhereAndWithWhat) {
  Result result =
      servers()[0].shell("echo $(id -un) $(pwd) $COLOUR; cat", {.environment = {{"COLOUR", "blue"}},
                                                                .directory = "/tmp",
                                                                .user = "nobody",
                                                                .input = "in\n"});
  EXPECT_THAT(result, StdoutIs("nobody /tmp blue\nin\n"));
}
