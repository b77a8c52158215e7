// Input and output of every size, on every way on which a command is started, against a scripted
// agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/job/job_streams_fixture.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

using muster::NodeError;
using muster::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(JobStreamsTest, RunFeedsInputOfEverySize) {
  for (size_t size : kSizes) {
    muster::Result result = rpc::Jobs(node_).run(cat(textOf(size)), in(seconds(5)));
    EXPECT_TRUE(result.succeeded()) << size << ": " << toString(result.outcome);
    EXPECT_TRUE(result.out == textOf(size)) << size;
  }
}

TEST_F(JobStreamsTest, StartFeedsInputOfEverySize) {
  for (size_t size : kSizes) {
    auto job = rpc::Jobs(node_).start(cat(textOf(size)), in(seconds(5)));
    ASSERT_TRUE(job.pull(PullUntil::kEnded, in(seconds(5)))) << size;
    EXPECT_TRUE(job.result().out == textOf(size)) << size;
  }
}

TEST_F(JobStreamsTest, EveryNodeOfASetIsFedFromOneInput) {
  FakeAgent other;
  ControllerNode& second = controller_.connect(other.description());
  for (size_t size : kSizes) {
    auto answers = rpc::runOnAll({&node_, &second}, cat(textOf(size)), in(seconds(5)));
    for (const auto& answer : answers) {
      EXPECT_TRUE(std::get<muster::Result>(answer).out == textOf(size)) << size;
    }
  }
}

TEST_F(JobStreamsTest, WrittenInputOfEverySizeArrives) {
  for (size_t size : kSizes) {
    auto job = rpc::Jobs(node_).start(open("cat"), in(seconds(5)));
    job.writeInput(textOf(size), in(seconds(5)));
    job.writeInput("end", in(seconds(5)));
    job.closeInput(in(seconds(5)));
    ASSERT_TRUE(job.pull(PullUntil::kEnded, in(seconds(5)))) << size;
    EXPECT_TRUE(job.result().out == textOf(size) + "end") << size;
  }
}

TEST_F(JobStreamsTest, AgentThatTakesPartsIsOfferedTheRestAlsoAfterALoss) {
  agent_.change([](FakeAgent::Script& script) { script.inputBytesOfCall = 50'000; });
  std::string text = textOf(1'000'000);
  auto job = rpc::Jobs(node_).start(cat(text), in(seconds(5)));
  while (job.result().out.size() < 200'000)
    ASSERT_TRUE(job.pull(PullUntil::kChange, in(seconds(5))));
  agent_.drop();
  ASSERT_TRUE(job.pull(PullUntil::kEnded, in(seconds(5))));
  EXPECT_TRUE(job.result().out == text);
  EXPECT_EQ(jobOf(1).starts, 1u);
}

TEST_F(JobStreamsTest, CommandThatReadsNothingHoldsUpNobody) {
  agent_.change([](FakeAgent::Script& script) { script.inputBytesOfCommand = 70'000; });
  JobRequest request = command({"hang"});
  request.options.input = textOf(3 << 20);
  auto job = rpc::Jobs(node_).start(request, in(seconds(5)));
  while (jobOf(1).input.size() < 70'000) job.pull(PullUntil::kChange, in(milliseconds(5)));
  job.cancel(seconds(0), in(seconds(5)));
  ASSERT_TRUE(job.pull(PullUntil::kEnded, in(seconds(5))));
  EXPECT_EQ(job.result().outcome.kind(), Outcome::Kind::kCancelled);
}

TEST_F(JobStreamsTest, CommandThatEndsBeforeItsInputHasItsResult) {
  agent_.change([](FakeAgent::Script& script) { script.inputBytesOfCommand = 70'000; });
  JobRequest request = command({"emit", "early"});
  request.options.input = textOf(3 << 20);
  EXPECT_EQ(rpc::Jobs(node_).run(request, in(seconds(5))).out, "early");
}

TEST_F(JobStreamsTest, WriteToACommandWithAnInputIsRefused) {
  JobRequest request = command({"hang"});
  for (size_t size : {size_t{1}, kInline + 1}) {
    request.options.input = textOf(size);
    auto job = rpc::Jobs(node_).start(request, in(seconds(5)));
    EXPECT_EQ(errorOf([&] { job.writeInput("more", in(seconds(5))); }).kind(),
              NodeError::Kind::kConflict);
  }
}

// The command stops reading when nobody takes what it writes.
TEST_F(JobStreamsTest, WriteTakesTheOutputMeanwhile) {
  agent_.change([](FakeAgent::Script& script) { script.inputBytesOfCall = 5000; });
  auto job = rpc::Jobs(node_).start(open("cat"), in(seconds(5)));
  job.writeInput(textOf(100'000), in(seconds(5)));
  EXPECT_FALSE(job.result().out.empty());
}

TEST_F(JobStreamsTest, OutputBeyondWhatAResultHoldsIsAnOutcomeAtOnce) {
  JobRequest request = command({"pour"}, seconds(60));
  request.heldBytesMax = 3 << 20;
  muster::Result result = rpc::Jobs(node_).run(request, in(seconds(5)));
  EXPECT_EQ(result.outcome.kind(), Outcome::Kind::kOutputLimit);
  EXPECT_THAT(toString(result.outcome), testing::HasSubstr("holds at most 3145728 bytes"));
  EXPECT_TRUE(jobOf(1).cancelled);
  EXPECT_GT(result.out.size(), request.heldBytesMax);
  EXPECT_EQ(result.out.size() + result.outDroppedBytes, result.outProducedBytes);
}

// The outcome does not depend on how soon the command ended.
TEST_F(JobStreamsTest, TheLimitIsExactForACommandThatEnds) {
  for (size_t size : {size_t{99'999}, size_t{100'000}, size_t{100'001}, size_t{400'000}}) {
    JobRequest request = command({"emit", textOf(size)});
    request.heldBytesMax = 100'000;
    muster::Result result = rpc::Jobs(node_).run(request, in(seconds(5)));
    bool isOver = size > request.heldBytesMax;
    EXPECT_EQ(result.outcome.kind(), isOver ? Outcome::Kind::kOutputLimit : Outcome::Kind::kExited)
        << size;
    EXPECT_EQ(result.out.size() + result.outDroppedBytes, size);
  }
}

TEST_F(JobStreamsTest, TailIsKeptWithinTheLimit) {
  agent_.change([](FakeAgent::Script& script) { script.chunkBytesMax = 5000; });
  std::string text = textOf(400'000);
  JobRequest request = command({"emit", text});
  request.heldBytesMax = 50'000;
  request.options.outputBytesMax = 10'000;
  request.options.overflow = muster::OutputOverflow::kKeepTail;
  muster::Result result = rpc::Jobs(node_).run(request, in(seconds(5)));
  EXPECT_TRUE(result.succeeded());
  EXPECT_GE(result.out.size(), 10'000u);
  EXPECT_LE(result.out.size(), 55'000u);
  EXPECT_TRUE(text.ends_with(result.out));
  EXPECT_EQ(result.out.size() + result.outDroppedBytes, text.size());
}

TEST_F(JobStreamsTest, FollowerThatReadsOnForgetsWhatItRead) {
  JobRequest request = command({"pour"}, seconds(60));
  request.heldBytesMax = 3 << 20;
  auto job = rpc::Jobs(node_).start(request, in(seconds(5)));
  while (job.result().outProducedBytes < (20 << 20)) {
    ASSERT_TRUE(job.pull(PullUntil::kChange, in(seconds(5))));
    ASSERT_FALSE(job.ended());
    ASSERT_LE(job.result().out.size(), 4u << 20);
    ASSERT_EQ(job.outHeldFrom() + job.result().out.size(), job.result().outProducedBytes);
    job.setOutRead(job.result().out.size());
  }
  EXPECT_FALSE(jobOf(1).cancelled);
  EXPECT_GE(jobOf(1).releasedTo, 19u << 20);
}

TEST_F(JobStreamsTest, LookAtACommandThatWritesOnAndOnEnds) {
  auto job = rpc::Jobs(node_).start(command({"pour"}), in(seconds(5)));
  job.refresh(in(seconds(5)));
  EXPECT_FALSE(job.ended());
  EXPECT_LE(jobOf(1).poured, 8u << 20);
}

}  // namespace
}  // namespace harness
