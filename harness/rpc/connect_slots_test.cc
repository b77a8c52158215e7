#include "harness/rpc/connect_slots.h"

#include <gtest/gtest.h>
#include <kj/async.h>

namespace harness {
namespace {

TEST(ConnectSlotsTest, SoManyBeginAndTheNextFollowsInOrder) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ConnectSlots turns(2);
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

TEST(ConnectSlotsTest, WhoGaveUpIsPassedOver) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ConnectSlots turns(1);
  auto first = turns.take().wait(scope);
  { auto gone = turns.take(); }
  auto third = turns.take();
  first = nullptr;
  EXPECT_TRUE(third.poll(scope));
}

TEST(ConnectSlotsTest, TurnThatNobodyTookUpIsGivenOn) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ConnectSlots turns(1);
  auto first = turns.take().wait(scope);
  {
    auto dropped = turns.take();
    first = nullptr;  // Now it is its turn, and it goes away.
  }
  EXPECT_TRUE(turns.take().poll(scope));
}

TEST(ConnectSlotsTest, TurnsAreHeldShortlyWhereAnswersAreQuick) {
  ConnectSlots turns(1);
  EXPECT_EQ(turns.holdMax(), ConnectSlots::kHoldMin);
  for (int i = 0; i < 20; ++i) turns.noteSuccess(5 * kj::MILLISECONDS);
  EXPECT_EQ(turns.holdMax(), ConnectSlots::kHoldMin);
}

TEST(ConnectSlotsTest, TurnsAreHeldLongerWhereAllAreSlow) {
  ConnectSlots turns(1);
  for (int i = 0; i < 20; ++i) turns.noteSuccess(400 * kj::MILLISECONDS);
  EXPECT_GT(turns.holdMax(), 1 * kj::SECONDS);
  for (int i = 0; i < 20; ++i) turns.noteSuccess(60 * kj::SECONDS);
  EXPECT_EQ(turns.holdMax(), ConnectSlots::kHoldMax);
}

}  // namespace
}  // namespace harness
