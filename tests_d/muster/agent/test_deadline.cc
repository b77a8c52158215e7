// Every call ends at its deadline, also when the node does not answer.
//
// A command that an abandoned call has started is ended when the node is back.
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;

struct NamedCall {
  std::string name;
  std::function<void(Node&)> make;
};

class DeadlineTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  DeadlineTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "muster-agent-XXXXXX";
    tree_ = mkdtemp(pattern.data());
    std::ofstream(tree_ + "/file") << "content";
  }
  ~DeadlineTest() override { std::filesystem::remove_all(tree_); }

  std::vector<NamedCall> filesAndFacts() const {
    std::string tree = tree_;
    return {{"facts", [](Node& node) { node.facts(); }},
            {"service status", [](Node& node) { node.service("cron").status(); }},
            {"service restart", [](Node& node) { node.service("cron").restart(); }},
            {"read", [](Node& node) { node.file("/etc/hosts").read(); }},
            {"write", [](Node& node) { node.file("/tmp/f").write("text"); }},
            {"append", [](Node& node) { node.file("/tmp/f").append("text"); }},
            {"stat", [](Node& node) { node.file("/etc").exists(); }},
            {"list", [](Node& node) { node.file("/etc").list(); }},
            {"digest", [](Node& node) { node.file("/etc/hosts").digest(); }},
            {"remove", [](Node& node) { node.file("/tmp/f").remove(); }},
            {"rename", [](Node& node) { node.file("/tmp/f").rename("/tmp/g"); }},
            {"space", [](Node& node) { node.file("/").space(); }},
            {"push", [tree](Node& node) { node.push(tree + "/file", "/tmp/f"); }},
            {"pull", [tree](Node& node) { node.pull("/etc/hosts", tree + "/pulled"); }},
            {"push tree", [tree](Node& node) { node.pushTree(tree, "/tmp/tree"); }},
            {"pull tree", [tree](Node& node) { node.pullTree("/etc", tree + "/etc"); }},
            {"connect", [](Node& node) {
               if (node.state().connected()) node.facts();
               node.awaitConnected(10s);
             }}};
  }

  static std::vector<NamedCall> commands(Process& running) {
    return {{"run",
             [](Node& node) {
               node.run({"sleep", "60"});
             }},
            {"run with input", [](Node& node) { node.run({"cat"}, {.input = "text"}); }},
            {"start",
             [](Node& node) {
               Process process = node.start({"sleep", "60"});
             }},
            {"fan-out", [](Node& node) { NodeSet({node}).run({"true"})[node.name()]; }},
            {"wait", [&](Node&) { running.wait(); }},
            {"wait within", [&](Node&) { running.wait(60s); }},
            {"running", [&](Node&) { running.running(); }},
            {"signal", [&](Node&) { running.signal(1); }},
            {"write input", [&](Node&) { running.write("text"); }},
            {"close input", [&](Node&) { running.closeInput(); }},
            {"output", [&](Node&) { running.output(); }},
            {"read line", [&](Node&) { running.readLine(60s); }},
            {"cancel", [&](Node&) { running.cancel(); }},
            {"kill", [&](Node&) { running.kill(); }}};
  }

  static void expectNoAnswer(const NamedCall& call, Node& silent) {
    try {
      call.make(silent);
      ADD_FAILURE() << call.name << " had an answer";
    } catch (const NodeError& error) {
      EXPECT_THAT(error.kind(),
                  testing::AnyOf(NodeError::Kind::kTimeout, NodeError::Kind::kUnreachable))
          << call.name << ": " << error.what();
    }
  }

  // Makes each call with a deadline of its own. The node answers none of them, so the check is that
  // each call returns at all.
  static void expectAllEnd(const std::vector<NamedCall>& calls, Node& silent) {
    std::chrono::nanoseconds longest{0};
    std::string which;
    for (const NamedCall& call : calls) {
      DeadlineScope scope(100ms);
      SteadyTime end = DeadlineScope::current();
      expectNoAnswer(call, silent);
      auto overrun = std::chrono::steady_clock::now() - end;
      if (overrun > longest) which = call.name;
      longest = std::max<std::chrono::nanoseconds>(longest, overrun);
    }
    std::cout << calls.size() << " calls, the longest overrun was " << longest / 1us << " us ("
              << which << ")\n";
  }

  // A directory of this machine with one file.
  std::string tree_;
};

// A test that hangs says nothing. Each call of the public interface is made twice, before the
// silence is noticed and afterwards, because different code ends it then.
TEST_F(DeadlineTest, NoCallWaitsForAFrozenNode) {
  Node& node = servers()[0];
  Process running = node.start({"cat"});
  auto frozen = cluster().freeze(node);
  expectAllEnd(commands(running), node);
  expectAllEnd(filesAndFacts(), node);
  node.awaitDisconnected(10s);
  expectAllEnd(commands(running), node);
  expectAllEnd(filesAndFacts(), node);
}

// The results of healthy nodes must not be lost because one node hangs.
TEST_F(DeadlineTest, FrozenNodeDelaysNoOtherNodeOfAFanOut) {
  auto frozen = cluster().freeze(servers()[0]);
  Results results = servers().run({"echo", "here"}, {.deadline = 500ms});
  EXPECT_THAT(results.failed(), testing::ElementsAre("server1"));
  EXPECT_THAT(results["server2"], Prints("here"));
}

// The caller has given up, and nobody else would end the command.
TEST_F(DeadlineTest, AbandonedCommandEndsWhenTheNodeIsBack) {
  Node& node = servers()[0];
  {
    auto frozen = cluster().freeze(node);
    EXPECT_THAT(
        [&] {
          node.run({"sleep", "4321"}, {.deadline = 200ms});
        },
        FailsWith(NodeError::Kind::kTimeout));
  }
  node.awaitConnected(30s);
  EXPECT_THAT(node, Eventually(Runs({"pgrep", "-f", "sleep 4321"}, ExitedWith(1)), 10s));
}

// At its deadline a command gets TERM, and KILL only after its grace. The first result must not
// claim more than is known then.
TEST_F(DeadlineTest, CommandThatIgnoresTermIsStillEndingAtItsDeadline) {
  Node& node = servers()[0];
  Process stubborn = node.start({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"},
                                {.deadline = 1s, .grace = 2s});
  stubborn.readUntil("ready", 10s);
  Result result = stubborn.wait();
  EXPECT_THAT(result, HitDeadline());
  EXPECT_TRUE(result.stillEnding);
  result = stubborn.wait(20s);
  EXPECT_THAT(result, HitDeadline());
  EXPECT_FALSE(result.stillEnding);
  EXPECT_EQ(result.outcome.signal(), 9);
}

}  // namespace
