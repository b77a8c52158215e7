#include "harness/rpc/connect_slots.h"

#include <gtest/gtest.h>
#include <kj/async.h>

namespace harness {
namespace {

TEST(TurnsTest, SoManyBeginAndTheNextFollowsInOrder) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  Turns turns(2);
  auto first = turns.take().wait(scope);
  auto second = turns.take().wait(scope);
  auto third = turns.take();
  auto fourth = turns.take();
  EXPECT_FALSE(third.poll(scope));
  first = nullptr;
  EXPECT_TRUE(third.poll(scope));
  EXPECT_FALSE(fourth.poll(scope));
  auto held = third.wait(scope);
  second = nullptr;
  EXPECT_TRUE(fourth.poll(scope));
}

TEST(TurnsTest, WhoGaveUpIsPassedOver) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  Turns turns(1);
  auto first = turns.take().wait(scope);
  { auto gone = turns.take(); }
  auto third = turns.take();
  first = nullptr;
  EXPECT_TRUE(third.poll(scope));
}

TEST(TurnsTest, TurnThatNobodyTookUpIsGivenOn) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  Turns turns(1);
  auto first = turns.take().wait(scope);
  {
    auto dropped = turns.take();
    first = nullptr;  // Now it is its turn, and it goes away.
  }
  EXPECT_TRUE(turns.take().poll(scope));
}

TEST(TurnsTest, TurnsAreHeldShortlyWhereAnswersAreQuick) {
  Turns turns(1);
  EXPECT_EQ(turns.holdMax(), Turns::kHoldMin);
  for (int i = 0; i < 20; ++i) turns.noteSuccess(5 * kj::MILLISECONDS);
  EXPECT_EQ(turns.holdMax(), Turns::kHoldMin);
}

TEST(TurnsTest, TurnsAreHeldLongerWhereAllAreSlow) {
  Turns turns(1);
  for (int i = 0; i < 20; ++i) turns.noteSuccess(400 * kj::MILLISECONDS);
  EXPECT_GT(turns.holdMax(), 1 * kj::SECONDS);
  for (int i = 0; i < 20; ++i) turns.noteSuccess(60 * kj::SECONDS);
  EXPECT_EQ(turns.holdMax(), Turns::kHoldMax);
}

}  // namespace
}  // namespace harness
