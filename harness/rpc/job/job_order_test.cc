// Which order a result has of both streams, against a scripted agent that says in which it read
// them.
#include <gtest/gtest.h>

#include "harness/rpc/job/job_streams_fixture.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

using std::chrono::seconds;

class JobOrderTest : public JobStreamsTest {
 protected:
  std::string merged(const std::vector<std::string>& argv) {
    return rpc::Jobs(node_).run(command(argv), in(seconds(5))).merged();
  }
};

TEST_F(JobOrderTest, StreamsComeInTheOrderOfTheAgent) {
  EXPECT_EQ(merged({"both", "aacc", "BBB", "2", "3", "2"}), "aaBBBcc");
  EXPECT_EQ(merged({"both", "cc", "BB", "0", "2", "2"}), "BBcc");
}

TEST_F(JobOrderTest, OutputOfSeveralAnswersHasTheOrderOfTheLast) {
  agent_.change([](FakeAgent::Script& script) { script.chunkBytesMax = 2; });
  EXPECT_EQ(merged({"both", "aacccc", "BBB", "2", "3", "4"}), "aaBBBcccc");
}

TEST_F(JobOrderTest, WithoutAnOrderErrorsFollowOutput) {
  EXPECT_EQ(merged({"both", "aacc", "BBB"}), "aaccBBB");
}

TEST_F(JobOrderTest, OrderOfTheLastTurnsOnlyLeavesTheBeginning) {
  EXPECT_EQ(merged({"both", "xxaab", "YYY", "2", "1", "1"}), "xxYYaaYb");
}

// The agent counts what it has read, and the policy has dropped some of it.
TEST_F(JobOrderTest, DroppedBytesAreLeftOut) {
  agent_.change([](FakeAgent::Script& script) { script.outputDroppedTo = 4; });
  EXPECT_EQ(merged({"both", "xxxxee", "BB", "1", "1", "4", "1", "1"}), "BeBe");
}

TEST_F(JobOrderTest, WhatCameBeforeAGapHasNoOrder) {
  agent_.change([](FakeAgent::Script& script) {
    script.chunkBytesMax = 2;
    script.outputDroppedFrom = 2;
    script.outputDroppedTo = 4;
  });
  EXPECT_EQ(merged({"both", "aaxxee", "B", "1", "1", "5"}), "aaBee");
}

// A result that held more than it may has lost output of its beginning.
TEST_F(JobOrderTest, ForgottenBytesAreLeftOut) {
  agent_.change([](FakeAgent::Script& script) { script.chunkBytesMax = 4; });
  JobRequest request = command({"both", "xxxxxxxxxxxxee", "BB", "13", "1", "1", "1"});
  request.options.overflow = muster::OutputOverflow::kKeepTail;
  request.options.outputBytesMax = 2;
  request.heldBytesMax = 1;
  muster::Result result = rpc::Jobs(node_).run(request, in(seconds(5)));
  EXPECT_EQ(result.out, "ee");
  EXPECT_EQ(result.merged(), "eBeB");
}

TEST_F(JobOrderTest, OrderOfMoreBytesThanThereAreCountsAsNone) {
  EXPECT_EQ(merged({"both", "aa", "B", "1", "1", "2"}), "aaB");
  EXPECT_EQ(merged({"both", "aa", "B", "1", "18446744073709551615", "1", "2"}), "aaB");
}

}  // namespace
}  // namespace harness
