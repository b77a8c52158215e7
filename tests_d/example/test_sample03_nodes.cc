// Sample 3: use several nodes at once, by role and by name.
#include <muster/muster.h>

using namespace muster;

class CopyTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}, {"client", 1}}}; }
};

TEST_F(CopyTest, EveryServerAnswersTheClient) {
  for (Node& server : servers()) {
    EXPECT_THAT(clients()[0].run({"ping", "-c", "1", server.name()}), Succeeded());
  }
}

// One call runs on all nodes at the same time, and gives one result for each.
TEST_F(CopyTest, SetsOfNodesRunTogether) {
  Results names = cluster().nodes().run({"uname", "-n"});
  EXPECT_THAT(names, OnEachNode(Succeeded()));
  EXPECT_THAT(names["server1"], StdoutIs("server1\n"));
}

TEST_F(CopyTest, NodesAreFoundByExpression) {
  EXPECT_EQ(cluster().select("server[1-2]").size(), 2u);
  EXPECT_EQ(cluster().select("@client").only().name(), clients()[0].name());
  EXPECT_EQ(cluster().otherThan(servers()[0]).size(), cluster().nodes().size() - 1);
}

// Files go to all nodes and come back from all, with one answer for each. checked() throws what any
// of them did not do.
TEST_F(CopyTest, FilesGoToAllNodesAtOnce) {
  servers().file("/root/peers").write("server1\nserver2\n").checked();
  EXPECT_THAT(servers().file("/root/peers").read(), OnEachNode("server1\nserver2\n"));
  EXPECT_THAT(servers().file("/root/none").exists(), OnEachNode(false));
}

// Each node may run a command of its own, and commands may go on while the test does.
TEST_F(CopyTest, CommandsGoOnOnAllNodes) {
  ProcessSet counters = servers().start([](const Node& node) -> Argv {
    return {"sh", "-c", "echo begun; read go; echo " + node.name()};
  });
  counters.readUntil("begun", 5s).checked();
  for (Node& server : servers()) counters[server.name()].write("go\n");
  Results ended = counters.wait(5s);
  EXPECT_THAT(ended["server2"], AllOf(Succeeded(), StdoutIs("begun\nserver2\n")));
}
