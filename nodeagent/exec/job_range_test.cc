// Tries readers that ask for bulk output in ranges, several before the first is answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent::exec {
namespace {

constexpr uint64_t kMiBytes = 1 << 20;
constexpr uint32_t kRange = 256 * 1024;
using Answer = capnp::Response<wire::Jobs::FollowResults>;

class JobRangeTest : public JobFixture {
 protected:
  JobRangeTest() {
    for (uint64_t line = 0; text.size() < 10 * kMiBytes; ++line)
      text += std::to_string(line) + "\n";
    text.resize(10 * kMiBytes);
    std::ofstream(path("ten")) << text;
    // The reader keeps up even if this machine is slow.
    limits.followedForNs = 20 * kSecondNs;
    reopen();
  }

  void reopen() {
    openTable(limits);
    openSession();
  }

  // Asks for the range at `from`, with everything below `storedTo` read.
  kj::Promise<Answer> ask(uint64_t from, uint64_t storedTo, uint32_t bytesMin = kRange) {
    auto request = jobs->followRequest();
    request.setNumber(1);
    auto wish = request.initFollow();
    setFollow(wish, 20 * kSecondNs);
    wish.setOutputFrom(from);
    wish.setOutputStoredTo(storedTo);
    wish.setBytesMin(bytesMin);
    wish.setBytesMax(bytesMin);
    wish.setReleaseTo(true);
    return request.send();
  }

  // Waits until the job has written up to the offset `to`, so that a range below it is full at once
  // however slow this machine is.
  void awaitProduced(uint64_t to) {
    auto& job = table->get(session->id(), 1).job();
    ASSERT_TRUE(eventually(
        [&]() { return job.output() != nullptr && job.output()->buffer().retainedTo() >= to; }));
  }

  static std::string outputOf(const Answer& answer) {
    return bytes(answer.getProgress().getOutput().getData());
  }

  JobLimits limits;
  std::string text;
};

TEST_F(JobRangeTest, RangesAreAnsweredInFullAndNeedNoSpool) {
  SpecBuilder spec({"cat", path("ten")});
  start(1, spec);
  awaitProduced(3 * kRange);
  kj::Vector<kj::Promise<Answer>> asked;
  for (uint64_t at = 0; at < 3 * kRange; at += kRange) asked.add(ask(at, 0));
  std::string output;
  for (size_t next = 0; output.size() < text.size(); ++next) {
    awaitProduced(output.size() + kRange);
    Answer answer = asked[next].wait(waitScope);
    ASSERT_EQ(errorOf(answer), "");
    EXPECT_EQ(answer.getProgress().getOutput().getOffset(), output.size());
    ASSERT_EQ(outputOf(answer).size(), kRange);
    output += outputOf(answer);
    EXPECT_EQ(countFiles(path("spool")), 0u);
    uint64_t end = asked.size() * kRange;
    if (end < text.size()) asked.add(ask(end, output.size()));
  }
  EXPECT_TRUE(output == text);
}

TEST_F(JobRangeTest, OnlyStoredBytesAreReleased) {
  SpecBuilder spec({"cat", path("ten")});
  start(1, spec);
  awaitProduced(3 * kRange);
  auto first = ask(0, 0);
  auto second = ask(kRange, 0);
  EXPECT_TRUE(outputOf(second.wait(waitScope)) == text.substr(kRange, kRange));
  EXPECT_TRUE(outputOf(first.wait(waitScope)) == text.substr(0, kRange));
  EXPECT_TRUE(outputOf(ask(0, 0).wait(waitScope)) == text.substr(0, kRange)) << "asked for again";
  Answer third = ask(2 * kRange, kRange).wait(waitScope);
  EXPECT_EQ(third.getProgress().getStatus().getOutput().getRetainedFrom(), kRange);
}

TEST_F(JobRangeTest, TheLastRangeEndsWithTheJob) {
  SpecBuilder spec({"head", "-c", "1000", path("ten")});
  start(1, spec);
  auto behind = ask(kRange, 0);
  Answer first = ask(0, 0).wait(waitScope);
  EXPECT_EQ(outputOf(first), text.substr(0, 1000));
  Answer second = behind.wait(waitScope);
  EXPECT_EQ(outputOf(second), "");
  EXPECT_EQ(second.getProgress().getStatus().getState(), wire::JobStatus::State::ENDED);
}

TEST_F(JobRangeTest, BytesThatHaveComeAreNotHeldBackForTheRest) {
  SpecBuilder spec(shell("echo early; sleep 1000"));
  start(1, spec);
  Answer answer = ask(0, 0).wait(waitScope);
  EXPECT_EQ(outputOf(answer), "early\n");
  EXPECT_EQ(answer.getProgress().getStatus().getState(), wire::JobStatus::State::RUNNING);
}

TEST_F(JobRangeTest, ErrorsAreNotHeldBackForOutput) {
  SpecBuilder spec(shell("echo oops >&2; sleep 1000"));
  start(1, spec);
  Answer answer = ask(0, 0).wait(waitScope);
  EXPECT_EQ(bytes(answer.getProgress().getErrors().getData()), "oops\n");
  EXPECT_EQ(answer.getProgress().getStatus().getState(), wire::JobStatus::State::RUNNING);
}

TEST_F(JobRangeTest, TheAgentSaysHowFarAheadOneMayAsk) {
  SpecBuilder spec({"sleep", "1000"});
  start(1, spec);
  Answer now = follow(1, 0, 0, [](auto wish) { wish.setWaitNs(0); });
  uint32_t most = now.getProgress().getAheadBytesMax();
  EXPECT_EQ(most, limits.memoryOfFollowedBytesMax);
  auto allowed = ask(most, 0);
  EXPECT_THAT(errorOf(ask(most + 1, 0).wait(waitScope)), testing::HasSubstr("outputFrom"));
  EXPECT_THAT(errorOf(ask(1, 0, 0).wait(waitScope)), testing::HasSubstr("outputFrom"));
  EXPECT_THAT(errorOf(ask(1, 2).wait(waitScope)), testing::HasSubstr("outputStoredTo"));
  cancel(1, 0);
  EXPECT_EQ(errorOf(allowed.wait(waitScope)), "");
}

TEST_F(JobRangeTest, OutputThatMayBeDroppedCannotBeAskedForAhead) {
  SpecBuilder spec({"sleep", "1000"});
  spec->initOutput().setOverflow(wire::JobSpec::Overflow::KEEP_TAIL);
  start(1, spec);
  Answer now = follow(1, 0, 0, [](auto wish) { wish.setWaitNs(0); });
  EXPECT_EQ(now.getProgress().getAheadBytesMax(), 0u);
  EXPECT_THAT(errorOf(ask(1, 0).wait(waitScope)), testing::HasSubstr("outputFrom"));
}

// The process has ended, its pipe is full, and its reader is still expected to release bytes.
TEST_F(JobRangeTest, OutputThatWaitsInMemoryIsWholeAfterTheDrain) {
  limits.memoryOfStreamBytesMax = 4096;
  limits.memoryOfFollowedBytesMax = 8192;
  limits.followedForNs = kSecondNs / 5;
  reopen();
  SpecBuilder spec({"head", "-c", "50000", path("ten")});
  spec->setDrainNs(1'000'000);
  start(1, spec);
  ASSERT_TRUE(eventually([&]() { return table->get(session->id(), 1).job().hasEnded(); }));
  auto result = finish(1);
  EXPECT_TRUE(result->output == text.substr(0, 50000));
  EXPECT_EQ(result->status().getOutput().getDroppedBytes(), 0u);
}

}  // namespace
}  // namespace nodeagent::exec
