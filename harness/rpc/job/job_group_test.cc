#include "harness/rpc/job/job_group.h"

#include <poll.h>

#include <gtest/gtest.h>

#include "harness/rpc/job/job_streams_fixture.h"

namespace harness {
namespace {

using muster::NodeError;
using std::chrono::milliseconds;
using std::chrono::seconds;

class JobGroupTest : public JobStreamsTest {
 protected:
  JobGroupTest() : second_(controller_.connect(other_.description())) {}

  // Gives `input` to the commands as fast as they take it, until all have ended, and returns what
  // each wrote.
  static std::vector<std::string> converse(rpc::JobGroup& group, const std::string& input) {
    std::vector<std::string> outputs(2);
    for (size_t at = 0; !group.ended();) {
      while (group.wantsInput()) {
        if (at == input.size()) {
          group.endInput();
        } else {
          group.giveInput(input.substr(at, 100'000));
          at = std::min(at + 100'000, input.size());
        }
      }
      pollfd ready{group.descriptor(), POLLIN, 0};
      if (::poll(&ready, 1, 5000) <= 0) break;
      while (auto news = group.next()) outputs[news->node] += news->out;
    }
    return outputs;
  }

  FakeAgent other_;
  ControllerNode& second_;
};

TEST_F(JobGroupTest, CommandsGetOneInputOfEverySizeAndTheirOutputIsTaken) {
  for (size_t size : kSizes) {
    JobRequest request = open("cat");
    request.output = JobOutput::kTake;
    rpc::JobGroup group({&node_, &second_}, request, seconds(5));
    auto outputs = converse(group, textOf(size));
    ASSERT_TRUE(group.ended()) << size;
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_TRUE(outputs[i] == textOf(size)) << size;
      EXPECT_TRUE(std::get<muster::Result>(group.takeAnswer(i)).succeeded()) << size;
    }
  }
}

// A command that has written before the first look at it may be silent from then on.
TEST_F(JobGroupTest, OutputThatComesWithTheStartIsToldWithIt) {
  JobRequest request;
  request.argv = {"say", "hello"};
  request.options.deadline = seconds(5);
  request.output = JobOutput::kTake;
  rpc::JobGroup group({&node_}, request, seconds(5));
  pollfd ready{group.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 5000), 1);
  auto news = group.next();
  ASSERT_TRUE(news);
  EXPECT_EQ(news->pid, 4711);
  EXPECT_EQ(news->out, "hello");
}

TEST_F(JobGroupTest, InputWaitsForTheSlowestCommand) {
  agent_.change([](FakeAgent::Script& script) { script.inputBytesOfCommand = 0; });
  rpc::JobGroup group({&node_, &second_}, open("cat"), seconds(5));
  size_t given = 0;
  while (group.wantsInput()) {
    group.giveInput(textOf(100'000));
    given += 100'000;
    pollfd ready{group.descriptor(), POLLIN, 0};
    ::poll(&ready, 1, 20);
    while (group.next()) continue;
  }
  EXPECT_LT(given, 3u << 20);
  agent_.change([](FakeAgent::Script& script) { script.inputBytesOfCommand = UINT64_MAX; });
  converse(group, "");
  EXPECT_EQ(std::get<muster::Result>(group.takeAnswer(0)).out.size(), given);
}

TEST_F(JobGroupTest, InputWithoutEndEndsWithTheCommands) {
  JobRequest request = command({"emit", "first"});
  request.input = JobInput::kStream;
  rpc::JobGroup group({&node_}, request, seconds(5));
  while (!group.ended()) {
    if (group.wantsInput()) group.giveInput(textOf(100'000));
    pollfd ready{group.descriptor(), POLLIN, 0};
    ASSERT_GE(::poll(&ready, 1, group.wantsInput() ? 0 : 5000), 0);
    while (group.next()) continue;
  }
  EXPECT_EQ(std::get<muster::Result>(group.takeAnswer(0)).out, "first");
}

TEST_F(JobGroupTest, OneNodeThatFailsLeavesTheOthersAlone) {
  other_.change([](FakeAgent::Script& script) {
    script.grantForm = FakeAgent::GrantForm::kListedWithoutCapability;
  });
  other_.drop();
  rpc::JobGroup group({&node_, &second_}, open("cat"), seconds(5));
  converse(group, textOf(100'000));
  ASSERT_TRUE(group.ended());
  EXPECT_EQ(std::get<muster::Result>(group.takeAnswer(0)).out.size(), 100'000u);
  EXPECT_EQ(std::get<NodeError>(group.takeAnswer(1)).kind(), NodeError::Kind::kDenied);
}

TEST_F(JobGroupTest, FanOutHoldsTheNextCommandBackUntilOneHasEnded) {
  rpc::JobGroup group({&node_, &second_}, open("cat"), seconds(5), 1);
  pollfd ready{group.descriptor(), POLLIN, 0};
  ::poll(&ready, 1, 5000);
  while (group.next()) continue;
  EXPECT_EQ(agent_.session().jobs.size(), 1u);
  EXPECT_EQ(other_.session().jobs.size(), 0u);
  converse(group, "");
  EXPECT_TRUE(group.ended());
  EXPECT_EQ(other_.session().jobs.size(), 1u);
}

// Each command has its own time, and the later ones all of it.
TEST_F(JobGroupTest, LostNodeGivesItsPlaceToTheNextOne) {
  agent_.change([](FakeAgent::Script& script) { script.losesRuns = true; });
  rpc::JobGroup group({&node_, &second_}, open("cat"), seconds(2), 1);
  EXPECT_TRUE(group.begun(0));
  EXPECT_FALSE(group.begun(1));
  auto outputs = converse(group, textOf(100'000));
  ASSERT_TRUE(group.ended());
  EXPECT_TRUE(group.begun(1));
  EXPECT_EQ(std::get<NodeError>(group.takeAnswer(0)).kind(), NodeError::Kind::kTimeout);
  EXPECT_EQ(std::get<muster::Result>(group.takeAnswer(1)).out.size(), 100'000u);
}

TEST_F(JobGroupTest, CommandThatDoesNotEndInTimeIsAnError) {
  rpc::JobGroup group({&node_}, open("hang"), milliseconds(200));
  converse(group, "");
  ASSERT_TRUE(group.ended());
  EXPECT_EQ(std::get<NodeError>(group.takeAnswer(0)).kind(), NodeError::Kind::kTimeout);
}

}  // namespace
}  // namespace harness
