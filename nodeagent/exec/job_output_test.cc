// Tries which output is kept, at which offsets it is read, and which bytes count as dropped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent::exec {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class JobOutputTest : public JobFixture {
 protected:
  // Makes ten MiB of lines that differ, and their digest.
  JobOutputTest() {
    for (uint64_t line = 0; text.size() < 10 * kMiB; ++line) text += std::to_string(line) + "\n";
    text.resize(10 * kMiB);
    std::ofstream(path("ten")) << text;
    digest = support::Sha256::of(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
  }

  SpecBuilder cat(uint64_t retainedBytesMax, wire::JobSpec::Overflow overflow) {
    SpecBuilder spec({"cat", path("ten")});
    spec->initOutput().setRetainedBytesMax(retainedBytesMax);
    spec->getOutput().setOverflow(overflow);
    return spec;
  }

  void expectWholeDigest(wire::JobStatus::StreamStatus::Reader stream) {
    EXPECT_EQ(stream.getProducedBytes(), 10 * kMiB);
    EXPECT_EQ(bytes(stream.getSha256()), std::string(digest.begin(), digest.end()));
  }

  void expectNothingLostWith(const JobLimits& limits) {
    openTable(limits);
    openSession();
    SpecBuilder spec = cat(0, wire::JobSpec::Overflow::BLOCK);
    auto result = run(spec);
    EXPECT_TRUE(result->output == text);
    EXPECT_EQ(result->status().getOutput().getDroppedBytes(), 0u);
  }

  std::string text;
  support::Digest digest{};
};

TEST_F(JobOutputTest, TenMebibytesArriveWhole) {
  SpecBuilder spec = cat(0, wire::JobSpec::Overflow::BLOCK);
  auto result = run(spec);
  EXPECT_TRUE(result->output == text);
  expectWholeDigest(result->status().getOutput());
  EXPECT_EQ(result->status().getOutput().getDroppedBytes(), 0u);
}

TEST_F(JobOutputTest, MemoryStaysBoundedAndTheRestIsSpooled) {
  SpecBuilder spec = cat(0, wire::JobSpec::Overflow::BLOCK);
  start(1, spec);
  auto status = follow(1, 0, 0, [](auto wish) { wish.setBytesMax(0); });
  EXPECT_EQ(status.getProgress().getStatus().getState(), wire::JobStatus::State::ENDED);
  EXPECT_LE(table->spool().memoryBytes(), JobLimits().memoryOfFollowedBytesMax);
  EXPECT_TRUE(eventually([&]() { return table->spool().memoryBytes() == 0; }))
      << "the rest follows when the command has ended";
  EXPECT_EQ(countFiles(path("spool")), 1u);
  EXPECT_TRUE(finish(1)->output == text);
  acknowledge(1);
  EXPECT_TRUE(worker.awaitAll(10 * kj::SECONDS));
  EXPECT_EQ(countFiles(path("spool")), 0u);
  EXPECT_EQ(table->spool().fileBytes(), 0u);
}

TEST_F(JobOutputTest, OutputThatFitsIntoOneAnswerIsNotSpooled) {
  SpecBuilder spec({"head", "-c", std::to_string(kMiB), path("ten")});
  start(1, spec);
  auto status = follow(1, 0, 0, [](auto wish) { wish.setBytesMax(0); });
  EXPECT_EQ(status.getProgress().getStatus().getState(), wire::JobStatus::State::ENDED);
  EXPECT_EQ(countFiles(path("spool")), 0u);
  EXPECT_TRUE(finish(1)->output == text.substr(0, kMiB));
}

TEST_F(JobOutputTest, BlockLosesNothingWithASmallRetention) {
  SpecBuilder spec = cat(64 * 1024, wire::JobSpec::Overflow::BLOCK);
  auto result = run(spec);
  EXPECT_TRUE(result->output == text);
  expectWholeDigest(result->status().getOutput());
  EXPECT_EQ(countFiles(path("spool")), 0u);
}

TEST_F(JobOutputTest, BlockHoldsTheProcessUntilItsOutputIsReleased) {
  SpecBuilder spec = cat(64 * 1024, wire::JobSpec::Overflow::BLOCK);
  start(1, spec);
  auto first = follow(1);
  EXPECT_EQ(first.getProgress().getStatus().getState(), wire::JobStatus::State::RUNNING);
  EXPECT_EQ(first.getProgress().getStatus().getOutput().getProducedBytes(), 64 * 1024u);
  auto again = follow(1, 100);
  EXPECT_EQ(bytes(again.getProgress().getOutput().getData()), text.substr(100, 64 * 1024 - 100));
  EXPECT_TRUE(finish(1)->output == text);
}

TEST_F(JobOutputTest, KeepHeadKeepsTheFirstAndCountsTheRest) {
  SpecBuilder spec = cat(3 * kMiB + 17, wire::JobSpec::Overflow::KEEP_HEAD);
  auto result = run(spec);
  EXPECT_TRUE(result->output == text.substr(0, 3 * kMiB + 17));
  EXPECT_EQ(result->status().getOutput().getDroppedBytes(), 7 * kMiB - 17);
  EXPECT_EQ(result->status().getOutput().getRetainedTo(), 3 * kMiB + 17);
  expectWholeDigest(result->status().getOutput());
}

TEST_F(JobOutputTest, KeepTailKeepsTheLastAndCountsTheOldest) {
  for (uint64_t retained : {uint64_t{4096}, 3 * kMiB + 17}) {
    SpecBuilder spec = cat(retained, wire::JobSpec::Overflow::KEEP_TAIL);
    uint64_t number = nextNumber++;
    start(number, spec);
    follow(number, 0, 0, [](auto wish) { wish.setBytesMax(0); });
    auto result = finish(number);
    EXPECT_TRUE(result->output == text.substr(10 * kMiB - retained));
    EXPECT_EQ(result->status().getOutput().getDroppedBytes(), 10 * kMiB - retained);
    expectWholeDigest(result->status().getOutput());
  }
}

TEST_F(JobOutputTest, KillEndsTheJob) {
  SpecBuilder spec({"cat", "/dev/zero"});
  spec->initOutput().setRetainedBytesMax(kMiB);
  spec->getOutput().setOverflow(wire::JobSpec::Overflow::KILL);
  start(1, spec);
  auto answer = follow(1, 0, 0, [](auto wish) { wish.setBytesMax(0); });
  auto status = answer.getProgress().getStatus();
  ASSERT_EQ(status.getOutcome().which(), wire::JobOutcome::OUTPUT_LIMIT);
  EXPECT_EQ(status.getOutcome().getOutputLimit().getSignalled().getNumber(), SIGKILL);
  EXPECT_EQ(status.getOutput().getRetainedTo(), kMiB);
  EXPECT_EQ(status.getOutput().getDroppedBytes(), status.getOutput().getProducedBytes() - kMiB);
}

TEST_F(JobOutputTest, AKilledJobWithoutAReaderEndsAndCountsLostBytes) {
  SpecBuilder spec = cat(64 * 1024, wire::JobSpec::Overflow::BLOCK);
  spec->setDeadlineNs(kSecondNs / 10);
  spec->setDrainNs(kSecondNs / 50);
  start(1, spec);
  ASSERT_TRUE(eventually([&]() { return table->get(session->id(), 1).job().hasEnded(); }));
  auto answer = follow(1);
  auto status = answer.getProgress().getStatus();
  EXPECT_EQ(status.getOutcome().which(), wire::JobOutcome::DEADLINE);
  EXPECT_TRUE(bytes(answer.getProgress().getOutput().getData()) == text.substr(0, 64 * 1024));
  EXPECT_GT(status.getOutput().getDroppedBytes(), 0u);
  EXPECT_EQ(status.getOutput().getDroppedBytes(),
            status.getOutput().getProducedBytes() - 64 * 1024);
}

TEST_F(JobOutputTest, AnyOffsetCanBeReadAgain) {
  SpecBuilder spec = cat(0, wire::JobSpec::Overflow::BLOCK);
  start(1, spec);
  follow(1, 0, 0, [](auto wish) { wish.setBytesMax(0); });
  for (uint64_t offset :
       {uint64_t{0}, uint64_t{1}, kMiB - 1, 5 * kMiB + 3, 10 * kMiB - 1, 10 * kMiB}) {
    auto answer = follow(1, offset, 0, [](auto wish) { wish.setBytesMax(1000); });
    auto chunk = answer.getProgress().getOutput();
    EXPECT_EQ(chunk.getOffset(), offset);
    EXPECT_EQ(bytes(chunk.getData()), text.substr(offset, 1000));
    EXPECT_EQ(chunk.getCrc32c(), support::crc32c(chunk.getData()));
  }
  auto beyond = follow(1, 10 * kMiB + 1);
  EXPECT_EQ(beyond.getError().getKind(), wire::Error::Kind::INVALID);
}

TEST_F(JobOutputTest, WithoutASpoolTheProcessWaitsForItsReader) {
  JobLimits limits;
  limits.spoolBytesMax = 0;
  limits.memoryBytesMax = 100'000;
  expectNothingLostWith(limits);
}

TEST_F(JobOutputTest, WithoutSpoolAndMemoryTheProcessWaitsForItsReader) {
  JobLimits limits;
  // A file asks for more than this.
  limits.spoolBytesMax = 1 << 20;
  // This is as if other jobs had taken all memory.
  limits.memoryBytesMax = 0;
  expectNothingLostWith(limits);
}

TEST_F(JobOutputTest, AFullSpoolMakesTheProcessWaitForItsReader) {
  constexpr uint64_t kBytes = 40 * kMiB;
  JobLimits limits;
  // This is the first step of a file.
  limits.spoolBytesMax = 16 * kMiB;
  openTable(limits);
  openSession();
  SpecBuilder spec(shell("seq 100000000 | head -c " + std::to_string(kBytes)));
  start(1, spec);
  auto produced = [&]() {
    auto answer = follow(1, 0, 0, [](auto wish) {
      wish.setBytesMax(0);
      wish.setUntil(wire::Follow::Until::ENDED);
      wish.setWaitNs(50'000'000);
    });
    return answer.getProgress().getStatus().getOutput().getProducedBytes();
  };
  uint64_t held = 0;
  for (int looks = 0; looks < 200 && held < 16 * kMiB; ++looks) held = produced();
  EXPECT_LE(produced(), 16 * kMiB + limits.memoryOfFollowedBytesMax) << "nobody has read any of it";
  auto result = finish(1);
  ASSERT_EQ(result->output.size(), kBytes);
  auto got = support::Sha256::of(
      kj::arrayPtr(reinterpret_cast<const kj::byte*>(result->output.data()), kBytes));
  EXPECT_EQ(bytes(result->status().getOutput().getSha256()), std::string(got.begin(), got.end()));
  EXPECT_EQ(result->status().getOutput().getDroppedBytes(), 0u);
  EXPECT_EQ(table->spool().fileBytes(), 0u) << "left when it was read";
}

// The process has written everything into its pipe and ended before its deadline.
TEST_F(JobOutputTest, ADeadlineDoesNotCutOutputThatAReaderStillTakes) {
  SpecBuilder spec({"head", "-c", "40000", "/dev/zero"});
  spec->initOutput().setRetainedBytesMax(4096);
  spec->setDeadlineNs(kSecondNs / 5);
  spec->setDrainNs(20 * kSecondNs);
  start(1, spec);
  timer().afterDelay(400 * kj::MILLISECONDS).wait(waitScope);
  auto result = finish(1);
  EXPECT_TRUE(result->outcome().isExited());
  EXPECT_EQ(result->output.size(), 40000u);
  EXPECT_EQ(result->status().getOutput().getDroppedBytes(), 0u);
}

TEST_F(JobOutputTest, WithoutAReaderAJobEndsSoonAfterItsDeadline) {
  SpecBuilder spec({"head", "-c", "40000", "/dev/zero"});
  spec->initOutput().setRetainedBytesMax(4096);
  spec->setDeadlineNs(kSecondNs / 5);
  spec->setDrainNs(kSecondNs / 10);
  start(1, spec);
  Job& job = table->get(session->id(), 1).job();
  EXPECT_TRUE(eventually([&job]() { return job.hasEnded(); }));
  EXPECT_EQ(finish(1)->status().getOutput().getDroppedBytes(), 35904u);
}

TEST_F(JobOutputTest, BothStreamsShareAnAnswer) {
  SpecBuilder spec(shell("head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2"));
  start(1, spec);
  follow(1, 0, 0, [](auto wish) { wish.setBytesMax(0); });
  auto answer = follow(1, 0, 0, [](auto wish) { wish.setBytesMax(1000); });
  EXPECT_EQ(answer.getProgress().getOutput().getData().size(), 500u);
  EXPECT_EQ(answer.getProgress().getErrors().getData().size(), 500u);
}

TEST_F(JobOutputTest, ALongPollEndsWithTheFirstOutput) {
  SpecBuilder spec(shell("sleep 0.05; echo early; sleep 1000"));
  start(1, spec);
  auto answer = follow(1, 0, 0, [](auto wish) { wish.setUntil(wire::Follow::Until::CHANGE); });
  EXPECT_EQ(bytes(answer.getProgress().getOutput().getData()), "early\n");
  EXPECT_EQ(answer.getProgress().getStatus().getState(), wire::JobStatus::State::RUNNING);
}

TEST_F(JobOutputTest, ALongPollWithoutOutputEndsWithItsTime) {
  SpecBuilder spec({"sleep", "1000"});
  start(1, spec);
  // The loop's time moves only when it waits.
  timer().afterDelay(1 * kj::MILLISECONDS).wait(waitScope);
  auto begin = systemClock().boottimeNs();
  auto answer = follow(1, 0, 0, [](auto wish) { wish.setWaitNs(kSecondNs / 20); });
  EXPECT_EQ(answer.getProgress().getStatus().getState(), wire::JobStatus::State::RUNNING);
  EXPECT_GE(systemClock().boottimeNs() - begin, kSecondNs / 20);
  EXPECT_LT(systemClock().boottimeNs() - begin, 5 * kSecondNs);
}

}  // namespace
}  // namespace nodeagent::exec
