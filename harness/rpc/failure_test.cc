// The border where failures become NodeErrors.
#include "harness/rpc/failure.h"

#include <errno.h>

#include <gtest/gtest.h>
#include <kj/debug.h>

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;
using Wire = wire::Error::Kind;

TEST(FailureTest, KindTextAndErrnoReachTheCaller) {
  kj::Exception full = support::toException({Wire::SYSTEM, ENOSPC, kj::str("write \"/x\": full")});
  muster::NodeError error = toNodeError(full, "n1", "write \"/x\"");
  EXPECT_EQ(error.kind(), Kind::kSystem);
  EXPECT_EQ(error.errnoValue(), ENOSPC);
  EXPECT_EQ(error.detail(), "write \"/x\": full");
  EXPECT_EQ(error.node(), "n1");
}

TEST(FailureTest, RefusalsAreOfOneKindWhateverTheReason) {
  for (Wire kind : {Wire::REFUSED, Wire::WRONG_NODE, Wire::VERSION_MISMATCH}) {
    EXPECT_EQ(kindOf(support::failure(kind, "no")), Kind::kRefused);
  }
}

TEST(FailureTest, KindOfANewerAgentIsInternal) {
  EXPECT_EQ(kindOf(support::failure(static_cast<Wire>(999), "?")), Kind::kInternal);
}

TEST(FailureTest, LostConnectionIsUnreachableWhoeverSaysSo) {
  EXPECT_EQ(kindOf(unreachableNode("since 3 s")), Kind::kUnreachable);
  EXPECT_EQ(kindOf(KJ_EXCEPTION(DISCONNECTED, "reset")), Kind::kUnreachable);
}

TEST(FailureTest, ExceptionOfAPeerCannotPretendToBeAFailure) {
  kj::Exception remote(kj::Exception::Type::FAILED, "(remote)", 0,
                       kj::str("remote exception: muster-failure"));
  EXPECT_EQ(kindOf(remote), Kind::kInternal);
  EXPECT_EQ(toNodeError(remote, "n1", "x").errnoValue(), 0);
}

}  // namespace
}  // namespace harness
