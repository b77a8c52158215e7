// The machine of the tests is a node, too.
#include <unistd.h>

#include <muster/muster.h>

namespace {

using namespace muster;

class LocalTest : public ClusterTest {};

TEST_F(LocalTest, CommandsRunHereAsTheUserOfTheProgram) {
  EXPECT_EQ(local().output({"id", "-u"}), std::to_string(::getuid()) + "\n");
  EXPECT_NE(local().output({"hostname"}), servers()[0].output({"hostname"}));
}

// What a test changes here is put back like on any other node.
TEST_F(LocalTest, FilesGoFromHereToANodeAndBack) {
  std::string here = testing::TempDir() + "muster-local-test";
  local().file(here).write("from here\n", {.undo = UndoAt::kTestEnd});
  local().copyTo(here, servers()[0], "/tmp/there", {.undo = UndoAt::kTestEnd});
  EXPECT_EQ(servers()[0].file("/tmp/there").read(), "from here\n");
}

TEST_F(LocalTest, NodeOfNoSet) {
  EXPECT_EQ(local().name(), "controller");
  EXPECT_FALSE(cluster().nodes().contains(local()));
  EXPECT_EQ(&local(), &local());
}

// Both tests see the process of the first one, in the order of this file.
std::string leftBehind;

// A process that has ended, and whose parent has not looked yet, does not run.
bool runsHere(const Node& local, const std::string& pid) {
  return local.shell("grep '^State:' /proc/" + pid + "/status | grep -qv Z").succeeded();
}

TEST_F(LocalTest, ProcessesOfATestRunOnUntilItsEnd) {
  leftBehind = local().output({"sh", "-c", "sleep 600 >&- 2>&- & echo -n $!"});
  EXPECT_TRUE(runsHere(local(), leftBehind));
}

TEST_F(LocalTest, ProcessesOfTheTestBeforeAreGone) {
  if (leftBehind.empty()) GTEST_SKIP() << "the test before did not run";
  EXPECT_FALSE(runsHere(local(), leftBehind));
}

}  // namespace
