// A test owns what it does on its nodes, and a suite what its set-up does.
#include <optional>
#include <string>

#include <muster/muster.h>

#include "tests_d/muster/agent/component.h"

namespace {

using namespace muster;
using testing::HasSubstr;

// Says whether a process of the node runs. A zombie does not.
bool runs(const Node& node, int pid) {
  File status = node.file("/proc/" + std::to_string(pid) + "/stat");
  return status.exists() && status.read().find(") Z ") == std::string::npos;
}

// Starts a command that its caller leaves running, in a session of its own and without the
// environment by which the agent could know it. Returns its pid.
int leaveRunning(const Node& node) {
  int pid = std::stoi(node.shell("setsid env -i sleep 1000 >/dev/null 2>&1 & echo $!").out);
  File name = node.file("/proc/" + std::to_string(pid) + "/comm");
  EXPECT_THAT([&] { return name.read(); }, Eventually("sleep\n", 5s));
  return pid;
}

// What earlier tests of these suites have left to be looked at. Empty: they were not run.
struct Remains {
  int ofTest = 0;
  int ofSuite = 0;

  // These two were started by a test, for its own time and for that of the program.
  std::optional<Process> ended;
  std::optional<Process> kept;
};
Remains remains;

class ScopesTest : public ClusterTest {
 public:
  static constexpr char kFile[] = "/etc/scopes-test";

  static Node& node() { return servers()[0]; }

  static void SetUpTestSuite() {
    remains.ofSuite = leaveRunning(node());
    node().file(kFile).write("suite", {.undo = UndoAt::kTestEnd});
  }
};

TEST_F(ScopesTest, TestChangesWhatTheSuiteMade) {
  remains.ofTest = leaveRunning(node());
  EXPECT_TRUE(runs(node(), remains.ofTest));
  node().file(kFile).write("test", {.undo = UndoAt::kTestEnd});
  node().file("/etc/scopes-test-tree").makeDirectory(0755, UndoAt::kTestEnd);
  node().file("/etc/scopes-test-big").write(std::string(1 << 20, 'x'), {.undo = UndoAt::kTestEnd});
  remains.ended = node().start({"sleep", "1000"});
  remains.kept = node().start({"sleep", "1000"}, {.lifetime = CommandLifetime::kSession});
  acceptNodeChanges();
}

TEST_F(ScopesTest, NextTestFindsWhatTheSuiteMade) {
  if (remains.ofTest == 0) GTEST_SKIP() << "the test before this one was not run";
  EXPECT_FALSE(runs(node(), remains.ofTest));
  EXPECT_TRUE(runs(node(), remains.ofSuite));
  EXPECT_EQ(node().file(kFile).read(), "suite");
  EXPECT_FALSE(node().file("/etc/scopes-test-tree").exists());
  EXPECT_FALSE(node().file("/etc/scopes-test-big").exists());
  EXPECT_THAT([] { remains.ended->running(); },
              FailsWith(NodeError::Kind::kConflict,
                        HasSubstr("test ScopesTest.TestChangesWhatTheSuiteMade has ended")));
  remains.ended.reset();
}

// A lost connection changes nothing: the test goes on in the scope that the node has.
TEST_F(ScopesTest, ScopeLastsOverALostFront) {
  Process process = node().start({"sleep", "1000"});
  node().file(kFile).write("test", {.undo = UndoAt::kTestEnd});
  agent_tests::killFront(node());
  EXPECT_TRUE(process.running());
  node().file(kFile).write("again", {.undo = UndoAt::kTestEnd});
  remains.ofTest = process.pid();
}

TEST_F(ScopesTest, EndOfThatScopeBroughtTheSuitesFileBack) {
  if (remains.ofTest == 0) GTEST_SKIP() << "the test before this one was not run";
  EXPECT_FALSE(runs(node(), remains.ofTest));
  EXPECT_EQ(node().file(kFile).read(), "suite");
}

class ScopesNextTest : public ClusterTest {
 public:
  static Node& node() { return servers()[0]; }
};

TEST_F(ScopesNextTest, NextSuiteFindsNothing) {
  if (remains.ofSuite == 0) GTEST_SKIP() << "the suite before this one was not run";
  EXPECT_FALSE(runs(node(), remains.ofSuite));
  EXPECT_FALSE(node().file(ScopesTest::kFile).exists());
  if (!remains.kept) return;
  EXPECT_TRUE(remains.kept->running());
  remains.kept.reset();
  acceptNodeChanges();
}

// The keeper takes back what its predecessor did not: first the test's change, then the suite's.
class ScopesKeeperTest : public ClusterTest {
 public:
  static Node& node() { return servers()[0]; }

  static void SetUpTestSuite() {
    node().file(ScopesTest::kFile).write("suite", {.undo = UndoAt::kTestEnd});
  }
};

TEST_F(ScopesKeeperTest, KilledAgentLeavesNothingOfTestAndSuite) {
  node().file(ScopesTest::kFile).write("test", {.undo = UndoAt::kTestEnd});
  int left = leaveRunning(node());
  agent_tests::killAgent(node());
  EXPECT_FALSE(node().file(ScopesTest::kFile).exists());
  EXPECT_FALSE(runs(node(), left));
  node().file(ScopesTest::kFile).write("new", {.undo = UndoAt::kTestEnd});
}

TEST_F(ScopesKeeperTest, ScopeOfTheNextKeeperEndsToo) {
  EXPECT_FALSE(node().file(ScopesTest::kFile).exists());
}

}  // namespace
