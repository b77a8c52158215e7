// Input and output flow while commands run, also on many nodes at once.
#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Optional;

class StreamTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }
};

TEST_F(StreamTest, LinesComeAsTheyAreWritten) {
  Process shell = servers()[0].start({"sh"});
  shell.write("echo one; echo two\n");
  EXPECT_THAT(shell.readLine(5s), Optional(std::string("one")));
  EXPECT_EQ(shell.readUntil("tw", 5s), "two");
  EXPECT_TRUE(shell.running());
  shell.closeInput();
  EXPECT_THAT(shell.wait(5s), Succeeded());
  EXPECT_EQ(shell.readLine(1s), std::nullopt);
}

// A wait with a bound is a look at the command. It must not end it.
TEST_F(StreamTest, WaitThatIsTooShortLeavesTheCommandRunning) {
  Process sleeper = servers()[0].start({"sh", "-c", "echo begun; exec sleep 60"});
  sleeper.readUntil("begun", 5s);
  EXPECT_THAT([&] { sleeper.wait(50ms); },
              FailsWith(NodeError::Kind::kTimeout, HasSubstr("last line: \"begun\"")));
  EXPECT_THAT([&] { sleeper.readLine(50ms); }, FailsWith(NodeError::Kind::kTimeout));
  EXPECT_TRUE(sleeper.running());
  EXPECT_THAT(sleeper.cancel(), WasCancelled());
}

// 23 MB are far more than one answer carries, so the output arrives in many chunks.
TEST_F(StreamTest, BigOutputComesWhole) {
  Result result = servers()[0].shell("seq 3000000", {.deadline = 60s});
  ASSERT_THAT(result, Succeeded());
  EXPECT_EQ(result.out.size(), result.outProducedBytes);
  EXPECT_EQ(result.out.substr(result.out.size() - 8), "3000000\n");
}

TEST_F(StreamTest, EveryNodeOfASetAnswersForItself) {
  Results results = servers().run({"hostname"});
  EXPECT_THAT(results, OnEachNode(Succeeded()));
  for (const NodeResult& one : results) EXPECT_EQ(one.result->line(), one.node);
}

}  // namespace
