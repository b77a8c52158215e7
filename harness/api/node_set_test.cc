// Calls on several nodes at once, against scripted agents. Files are in tests_d/muster/agent, since
// these agents have none.
#include <algorithm>
#include <iterator>
#include <ranges>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/await.h>
#include <muster/matchers.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using namespace muster;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;

// Two nodes of which the second can be made to refuse us.
class NodeSetTest : public testing::Test {
 protected:
  NodeSetTest()
      : first_(ApiAccess::node(controller_.connect(agents_[0].description()))),
        second_(ApiAccess::node(controller_.connect(secondDescription()))),
        nodes_({first_, second_}) {}

  NodeDescription secondDescription() {
    NodeDescription description = agents_[1].description();
    description.name = "n2";
    return description;
  }

  // From now on, calls on the second node fail at once.
  void refuseSecond() {
    agents_[1].change([](FakeAgent::Script& script) {
      script.refusal = wire::Error::Kind::DENIED;
      script.refusalText = "not you";
    });
    agents_[1].drop();
    awaitUntil([&] { return second_.state().kind == NodeState::Kind::kRefused; }, 5s, 5ms);
  }

  bool isCancelled(int agent) { return agents_[agent].session().jobs.at(1).cancelled; }

  FakeAgent agents_[2];
  Controller controller_;
  Node first_;
  Node second_;
  NodeSet nodes_;
};

static_assert(std::bidirectional_iterator<NodeSet::Iterator>);
static_assert(std::ranges::bidirectional_range<const NodeSet>);

TEST_F(NodeSetTest, IsARangeForTheStandardAlgorithms) {
  auto isSecond = [](const Node& node) { return node.name() == "n2"; };
  EXPECT_EQ(std::find_if(nodes_.begin(), nodes_.end(), isSecond)->name(), "n2");
  EXPECT_EQ(std::ranges::count_if(nodes_, isSecond), 1);
  EXPECT_EQ(std::prev(nodes_.end())->name(), "n2");
  NodeSet::Iterator at = nodes_.begin();
  EXPECT_EQ((*at++).name(), nodes_[0].name());
  EXPECT_EQ((*at--).name(), "n2");
  EXPECT_EQ(at, nodes_.begin());
}

TEST_F(NodeSetTest, EachNodeRunsItsOwnCommand) {
  Results results = nodes_.run([](const Node& node) -> Argv { return {"emit", node.name()}; });
  EXPECT_THAT(results["n1"], AllOf(Succeeded(), StdoutIs("n1")));
  EXPECT_THAT(results["n2"], AllOf(Succeeded(), StdoutIs("n2")));
  EXPECT_THAT(agents_[1].session().jobs.at(1).argv, ElementsAre("emit", "n2"));
}

TEST_F(NodeSetTest, StartsOnAllAndWaitsForAll) {
  ProcessSet all = nodes_.start({"emit", "ready\n"});
  all.checked();
  EXPECT_THAT(all, SizeIs(2));
  EXPECT_THAT(all.readUntil("ready", 5s), OnEachNode("ready"));
  EXPECT_THAT(all.wait(), OnEachNode(Prints("ready")));
  EXPECT_EQ(all["n2"].node(), "n2");
  EXPECT_THAT(errorOf([&] { all["n3"]; }).what(), HasSubstr("answer of node \"n3\": not found"));
}

TEST_F(NodeSetTest, StartedCommandsMayDiffer) {
  ProcessSet all = nodes_.start([](const Node& node) -> Argv { return {"emit", node.name()}; });
  EXPECT_THAT(all.wait()["n2"], StdoutIs("n2"));
}

TEST_F(NodeSetTest, WaitsAreBounded) {
  ProcessSet all = nodes_.start({"hang"});
  Results results = all.wait(20ms);
  EXPECT_THAT(results.failed(), ElementsAre("n1", "n2"));
  EXPECT_THAT(testing::PrintToString(results), HasSubstr("still running after 20.0 ms"));
  EXPECT_THAT(all.kill(), OnEachNode(WasCancelled()));
}

TEST_F(NodeSetTest, EndOfTheScopeEndsAllCommands) {
  {
    ProcessSet all = nodes_.start({"hang"});
    ProcessSet moved = std::move(all);
    EXPECT_THAT(moved, SizeIs(2));
    EXPECT_FALSE(isCancelled(0) || isCancelled(1));
  }
  EXPECT_TRUE(isCancelled(0) && isCancelled(1));
}

TEST_F(NodeSetTest, NodeThatDoesNotAnswerHasItsErrorInItsPlace) {
  refuseSecond();
  auto here = std::source_location::current();
  ProcessSet all = nodes_.start({"emit", "x"});
  Results results = all.wait();
  EXPECT_THAT(results["n1"], StdoutIs("x"));
  EXPECT_THAT(results.failed(), ElementsAre("n2"));
  NodeError error = errorOf([&] { results["n2"]; });
  EXPECT_EQ(error.kind(), NodeError::Kind::kRefused);
  EXPECT_THAT(error.what(), HasSubstr("not you"));
  NodeError checked = errorOf([&] { all.checked(); });
  EXPECT_EQ(checked.node(), "n2");
  EXPECT_THAT(checked.what(), EndsWith("node_set_test.cc:" + std::to_string(here.line() + 8)));
  EXPECT_THAT(testing::PrintToString(all), HasSubstr("not you"));
}

TEST_F(NodeSetTest, AnswersOfFilesAreOnePerNode) {
  refuseSecond();
  NodeAnswers<std::string> answers = nodes_.file("/etc/motd").read();
  EXPECT_FALSE(answers.succeeded());
  EXPECT_THAT(answers, SizeIs(2));
  NodeError all = errorOf([&] { answers.checked(); });
  EXPECT_THAT(all.what(), AllOf(HasSubstr("ask 2 nodes: "), HasSubstr("no answer of 2:"),
                                HasSubstr("node n1: read \"/etc/motd\""),
                                HasSubstr("node n2: read \"/etc/motd\""), HasSubstr("not you")));
  EXPECT_THAT(errorOf([&] { answers["n2"]; }).what(), HasSubstr("not you"));
}

TEST_F(NodeSetTest, EmptySetHasNoAnswers) {
  EXPECT_TRUE(NodeSet().start({"emit"}).empty());
  EXPECT_TRUE(NodeSet().file("/x").read().checked().empty());
  EXPECT_TRUE(NodeSet().run([](const Node&) -> Argv { return {"emit"}; }).empty());
}

TEST_F(NodeSetTest, FanOutOfOneRunsOnOneNodeAfterTheOther) {
  NodeSet careful = nodes_.withFanOut(1);
  Results results = careful.run([](const Node& node) -> Argv { return {"emit", node.name()}; });
  EXPECT_THAT(results, OnEachNode(Succeeded()));
  EXPECT_THAT(careful.names(), ElementsAre("n1", "n2"));
  refuseSecond();
  Results some = careful.run({"emit"});
  EXPECT_THAT(some.failed(), ElementsAre("n2"));
  EXPECT_THAT((careful + nodes_).without(first_).run({"emit"}).failed(), ElementsAre("n2"));
}

TEST_F(NodeSetTest, FanOutOfNoneIsRefused) {
  NodeError error = errorOf([&] { nodes_.withFanOut(0); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kInvalid);
  EXPECT_THAT(error.what(), HasSubstr("the least is 1 node at once"));
}

TEST(NodeAnswersTest, OnEachNodeNamesTheNodesThatDiffer) {
  NodeAnswers<std::string> answers(
      {{"n1", "a", {}},
       {"n2", "b", {}},
       {"n3", {}, NodeError(NodeError::Kind::kUnreachable, "n3", "read", "gone")}});
  testing::StringMatchResultListener listener;
  EXPECT_FALSE(testing::ExplainMatchResult(OnEachNode("a"), answers, &listener));
  EXPECT_THAT(listener.str(), AllOf(testing::Not(HasSubstr("on n1")), HasSubstr("on n2: \"b\""),
                                    HasSubstr("on n3: node n3: read: unreachable: gone")));
  EXPECT_EQ(answers["n1"], "a");
  NodeError error = errorOf([&] { answers.checked(); });
  EXPECT_EQ(error.node(), "n3");
  EXPECT_EQ(error.kind(), NodeError::Kind::kUnreachable);
  EXPECT_THAT(NodeAnswers<bool>({{"n1", true, {}}}), OnEachNode(true));
}

}  // namespace
}  // namespace harness
