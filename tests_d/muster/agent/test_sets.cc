// Calls on all nodes of a set at once: commands, transfers and files.
#include <filesystem>
#include <fstream>

#include <muster/muster.h>

namespace {

using namespace muster;
using testing::AllOf;
using testing::Field;
using testing::HasSubstr;

class SetTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }
};

TEST_F(SetTest, ScopeEndsWhatItStartedOnAllNodes) {
  {
    ProcessSet sleepers = servers().start({"sleep", "321"});
    sleepers.checked();
    // A command has started before its program has its own words.
    for (Node& node : servers()) {
      EXPECT_THAT(node, Eventually(Runs({"pgrep", "-x", "-f", "sleep 321"}), 10s));
    }
  }
  EXPECT_THAT(servers(), OnEachNode(Runs({"pgrep", "-x", "-f", "sleep 321"}, ExitedWith(1))));
}

TEST_F(SetTest, SignalsReachAllNodes) {
  ProcessSet sleepers = servers().start({"sleep", "60"});
  sleepers.signal(SIGUSR1).checked();
  EXPECT_THAT(sleepers.wait(5s), OnEachNode(Signalled(SIGUSR1)));
}

// A program that is missing on one node is the outcome of that node, and no error.
TEST_F(SetTest, EachNodeStartsWhatItHas) {
  servers()[1].file("/root/own").write("#!/bin/sh\necho own\n", {.mode = 0755});
  ProcessSet owns = servers().start({"/root/own"});
  owns.checked();
  Results results = owns.wait(5s);
  EXPECT_THAT(results["server1"], NotStarted(ENOENT));
  EXPECT_THAT(results["server2"], Prints("own"));
  servers()[1].file("/root/own").remove();
}

TEST_F(SetTest, PushesGoToAllNodes) {
  std::string directory = testing::TempDir() + "muster-set-test";
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/a") << "content";
  NodeAnswers<TransferResult> pushed = servers().push(directory + "/a", "/root/pushed");
  EXPECT_THAT(pushed, OnEachNode(Field(&TransferResult::bytes, 7u)));
  EXPECT_THAT(servers().file("/root/pushed").digest(), OnEachNode(pushed["server1"].digest));
  EXPECT_THAT(servers().pushTree(directory, "/root/tree"),
              OnEachNode(Field(&TransferResult::files, 1u)));
  EXPECT_THAT(servers().file("/root/tree").removeTree(), OnEachNode(true));
  EXPECT_THAT(servers().push(directory + "/none", "/root/x").succeeded(), false);
  std::filesystem::remove_all(directory);
}

TEST_F(SetTest, FilesOfAllNodesChangeTogether) {
  FileSet file = servers().file("/root/set/file");
  EXPECT_THAT([&] { file.write("a").checked(); },
              FailsWith(NodeError::Kind::kNotFound,
                        AllOf(HasSubstr("no answer of 3"), HasSubstr("node server3"))));
  servers().file("/root/set").makeDirectory().checked();
  file.write("a\n", {.mode = 0600}).checked();
  file.append("b\n").checked();
  EXPECT_THAT(file.read(), OnEachNode("a\nb\n"));
  EXPECT_EQ(servers()[2].file("/root/set/file").stat()->mode, 0600u);
  servers()[0].file("/root/set/file").remove();
  NodeAnswers<bool> removed = file.remove();
  EXPECT_FALSE(removed["server1"]);
  EXPECT_TRUE(removed["server3"]);
  EXPECT_THAT([&] { file.read().checked(); }, FailsWith(NodeError::Kind::kNotFound));
  servers().file("/root/set").removeTree().checked();
}

}  // namespace
