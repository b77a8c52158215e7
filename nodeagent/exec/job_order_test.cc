// Tries that the order of a job's streams is that in which they were read, and which answers bring
// it.
#include <gmock/gmock.h>

#include "nodeagent/exec/job_fixture.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent::exec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<uint64_t> orderIn(wire::JobProgress::Reader progress) {
  std::vector<uint64_t> turns;
  for (uint64_t length : progress.getOrder()) turns.push_back(length);
  return turns;
}

class JobOrderTest : public JobFixture {
 protected:
  // Makes a job whose `next` waits for a line of its input.
  static SpecBuilder inTurn(const std::string& script) {
    SpecBuilder spec(shell("next() { read -r line; }; " + script));
    spec->initInput().setStream();
    return spec;
  }

  void sendLine(uint64_t number, bool isLast = false) {
    auto request = jobs->writeInputRequest();
    request.setNumber(number);
    auto chunk = request.initChunk();
    chunk.setOffset(sentBytes_++);
    chunk.setData(kj::StringPtr("\n").asBytes());
    chunk.setCrc32c(support::crc32c(chunk.getData()));
    request.setEnd(isLast);
    EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  }

  // Waits until the streams have that many bytes.
  void awaitBytes(uint64_t number, uint64_t output, uint64_t errors) {
    auto produced = [](const OutputStream* stream) {
      return stream == nullptr ? 0 : stream->buffer().producedBytes();
    };
    Job& job = table->get(session->id(), number).job();
    EXPECT_TRUE(eventually([&]() {
      return produced(job.output()) == output && produced(job.errors()) == errors;
    })) << output
        << " and " << errors;
  }

 private:
  uint64_t sentBytes_ = 0;
};

TEST_F(JobOrderTest, IsTheOrderOfReads) {
  SpecBuilder spec = inTurn("echo one >&2; next; echo two; next; echo three >&2; next; echo four");
  start(1, spec);
  awaitBytes(1, 0, 4);
  sendLine(1);
  awaitBytes(1, 4, 4);
  sendLine(1);
  awaitBytes(1, 4, 10);
  sendLine(1, true);
  auto result = finish(1);
  EXPECT_EQ(result->output, "two\nfour\n");
  EXPECT_EQ(result->errors, "one\nthree\n");
  EXPECT_THAT(orderIn(result->progress()), ElementsAre(0, 4, 4, 6, 5));
}

TEST_F(JobOrderTest, ComesWithTheLastBytesOnly) {
  SpecBuilder spec = inTurn("echo output; next; echo error >&2; next; echo more");
  start(1, spec);
  awaitBytes(1, 7, 0);
  sendLine(1);
  awaitBytes(1, 7, 6);
  EXPECT_THAT(orderIn(follow(1, 0, 0, [](auto wish) { wish.setWaitNs(0); }).getProgress()),
              IsEmpty())
      << "the job runs";
  sendLine(1, true);
  auto answer = [this](uint64_t output, uint64_t errors, uint32_t bytesMax) {
    return orderIn(
        follow(1, output, errors, [&](auto wish) { wish.setBytesMax(bytesMax); }).getProgress());
  };
  EXPECT_THAT(answer(0, 0, 0), IsEmpty()) << "a look at the status";
  EXPECT_THAT(answer(0, 0, 10), IsEmpty());
  EXPECT_THAT(answer(0, 0, 18), ElementsAre(7, 6, 5));
  EXPECT_THAT(answer(10, 6, 2), ElementsAre(7, 6, 5)) << "again, if an answer is lost";
}

TEST_F(JobOrderTest, OneStreamHasNone) {
  EXPECT_THAT(orderIn(run(shell("echo output"))->progress()), IsEmpty());
  EXPECT_THAT(orderIn(run(shell("echo error >&2"))->progress()), IsEmpty());
  SpecBuilder merged(shell("echo output; echo error >&2"));
  merged->setMergeErrors(true);
  EXPECT_THAT(orderIn(run(merged)->progress()), IsEmpty());
}

// What lies in the pipes when a job ends is read then.
TEST_F(JobOrderTest, CountsAllBytesAlsoOfAStreamThatIsHeldOpen) {
  SpecBuilder spec(shell("echo output; echo error >&2; sleep 1000 & echo more"));
  spec->setDrainNs(kSecondNs / 20);
  auto result = run(spec);
  uint64_t counted = 0;
  for (uint64_t length : orderIn(result->progress())) counted += length;
  EXPECT_EQ(counted, std::string("output\nerror\nmore\n").size());
}

// How often the agent looks meanwhile is up to it, and so is the number of turns.
TEST_F(JobOrderTest, TurnsOfABusyJobAddUpToItsBytes) {
  SpecBuilder spec(shell("i=0; while [ $i -lt 1000 ]; do echo o; echo e >&2; i=$((i + 1)); done"));
  auto result = run(spec);
  uint64_t counted[2] = {0, 0};
  auto turns = orderIn(result->progress());
  for (size_t i = 0; i < turns.size(); ++i) counted[i % 2] += turns[i];
  EXPECT_THAT(counted, ElementsAre(2000, 2000)) << turns.size();
}

// The processes that such a job left keep the rest of it alive.
TEST_F(JobOrderTest, IsForgottenWithAnAcknowledgedJob) {
  SpecBuilder spec(shell("echo output; echo error >&2; sleep 1000 > /dev/null 2>&1 &"));
  run(1, spec);
  Job& job = table->get(session->id(), 1).job();
  EXPECT_GT(job.order().size(), 0u);
  acknowledge(1);
  EXPECT_FALSE(job.isGone());
  EXPECT_EQ(job.order().size(), 0u);
  EXPECT_EQ(table->spool().memoryBytes(), 0u);
}

}  // namespace
}  // namespace nodeagent::exec
