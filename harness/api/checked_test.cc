// Commands that are asked for their output alone, against a scripted agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/matchers.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using namespace muster;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

class CheckedTest : public testing::Test {
 protected:
  CheckedTest()
      : node_(ApiAccess::node(controller_.connect(agent_.description()))), nodes_({node_}) {}

  FakeAgent agent_;
  Controller controller_;
  Node node_;
  NodeSet nodes_;
};

TEST_F(CheckedTest, OutputIsGivenAsItIs) {
  EXPECT_EQ(node_.output({"emit", "one\n\n"}), "one\n\n");
  EXPECT_EQ(node_.output({"emit"}), "");
  EXPECT_EQ(node_.run({"emit", "one\n\n"}).checked().line(), "one");
}

TEST_F(CheckedTest, FailureSaysWhyAndWhere) {
  auto here = std::source_location::current();
  NodeError error = errorOf([&] { node_.output({"fail", "no quorum\n"}); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kCommandFailed);
  EXPECT_EQ(error.node(), "n1");
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("node n1: run [\"fail\", \"no quorum\\n\"]: exited with status 3"),
                    HasSubstr("\n  stdout:\n    no quorum"),
                    EndsWith("checked_test.cc:" + std::to_string(here.line() + 1))));
  error = errorOf([&] { node_.output({"missing"}); });
  EXPECT_EQ(error.errnoValue(), ENOENT);
  EXPECT_THAT(error.what(), HasSubstr("not started: execute missing: No such file"));
}

TEST_F(CheckedTest, SetsNameTheNodesThatFailed) {
  Results results = nodes_.run({"emit", "x"}).checked();
  EXPECT_THAT(results, OnEachNode(StdoutIs("x")));
  NodeError error = errorOf([&] { nodes_.run({"fail", "no quorum\n"}).checked(); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kCommandFailed);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("run on 1 nodes: not succeeded on 1: n1\n"),
                                  HasSubstr("exited with status 3"), HasSubstr("no quorum")));
}

// A node without an answer is as much a reason to stop as a command that failed.
TEST_F(CheckedTest, SetsShowTheErrorOfANodeThatDidNotAnswer) {
  Results results({{"n1", {}, NodeError(NodeError::Kind::kUnreachable, "n1", "run", "gone")}});
  EXPECT_THAT(errorOf([&] { results.checked(); }).what(), HasSubstr("node n1: run: unreachable"));
  EXPECT_TRUE(Results({}).checked().empty());
}

}  // namespace
}  // namespace harness
