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
