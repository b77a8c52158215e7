// Tests how an agent's words for a command's end become an outcome.
#include <signal.h>

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/job/job_runner.h"

namespace harness {
namespace {

using Said = wire::JobOutcome::OutOfMemory;
using muster::OutOfMemory;

muster::Outcome killed(Said said) {
  capnp::MallocMessageBuilder message;
  auto outcome = message.initRoot<wire::JobOutcome>().initSignalled();
  outcome.setNumber(SIGKILL);
  outcome.setOutOfMemory(said);
  return readOutcome(message.getRoot<wire::JobOutcome>().asReader());
}

TEST(ReadOutcomeTest, LackOfMemoryIsTakenOver) {
  EXPECT_EQ(killed(Said::UNKNOWN).outOfMemory(), OutOfMemory::kUnknown);
  EXPECT_EQ(killed(Said::NO).outOfMemory(), OutOfMemory::kNo);
  EXPECT_EQ(killed(Said::PERHAPS).outOfMemory(), OutOfMemory::kPerhaps);
  EXPECT_EQ(killed(Said::YES).outOfMemory(), OutOfMemory::kYes);
  EXPECT_EQ(killed(static_cast<Said>(77)).outOfMemory(), OutOfMemory::kUnknown);
  EXPECT_THAT(toString(killed(Said::YES)), testing::HasSubstr("because memory ran out"));
  EXPECT_THAT(toString(killed(Said::NO)), testing::Not(testing::HasSubstr("memory")));
}

}  // namespace
}  // namespace harness
