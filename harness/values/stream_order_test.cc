// Tries what an order makes of two streams and of parts of them.
#include "harness/values/stream_order.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/result.h>

namespace harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string mergedOf(const std::string& out, const std::string& err, const StreamOrder& order) {
  muster::Result result;
  result.out = out;
  result.err = err;
  result.order = order;
  return result.merged();
}

TEST(StreamOrderTest, StreamsAreMergedByTurns) {
  EXPECT_EQ(mergedOf("aacc", "BBB", {2, 3, 2}), "aaBBBcc");
  EXPECT_EQ(mergedOf("cc", "BB", {0, 2, 2}), "BBcc");
}

TEST(StreamOrderTest, WithoutAnOrderErrorsFollowOutput) {
  EXPECT_EQ(mergedOf("out", "ERR", {}), "outERR");
  EXPECT_EQ(mergedOf("out", "", {}), "out");
  EXPECT_EQ(mergedOf("", "ERR", {}), "ERR");
  EXPECT_EQ(mergedOf("", "", {}), "");
}

TEST(StreamOrderTest, WhatHasNoKnownOrderComesFirst) {
  EXPECT_EQ(mergedOf("xxaab", "YYY", {2, 1, 1}), "xxYYaaYb");
}

// A caller may have taken output out of the result.
TEST(StreamOrderTest, OrderThatDoesNotFitCountsAsNotKnown) {
  EXPECT_EQ(mergedOf("a", "B", {2, 1}), "aB");
  EXPECT_EQ(mergedOf("a", "B", {1, UINT64_MAX, 0, 2}), "aB");
}

TEST(StreamOrderTest, PiecesNameTheirStreams) {
  auto pieces = piecesOf("ac", "B", {1, 1, 1});
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[0].stream, OfStream::kOut);
  EXPECT_EQ(pieces[1].stream, OfStream::kErr);
  EXPECT_EQ(pieces[1].text, "B");
}

TEST(StreamOrderTest, EndsOfTheStreamsHaveTheLastTurns) {
  StreamOrder order = {10, 5, 20, 6};
  EXPECT_THAT(orderWithin(order, {25, 0}, {8, 0}), ElementsAre(5, 2, 20, 6));
  EXPECT_THAT(orderWithin(order, {25, 0}, {3, 0}), ElementsAre(25, 3)) << "two turns become one";
  EXPECT_THAT(orderWithin(order, {7, 0}, {11, 0}), ElementsAre(0, 5, 7, 6));
  EXPECT_THAT(orderWithin(order, {100, 0}, {100, 0}), ElementsAre(10, 5, 20, 6));
}

TEST(StreamOrderTest, BeginningsOfTheStreamsHaveTheFirstTurns) {
  StreamOrder order = {10, 5, 20, 6};
  EXPECT_THAT(orderWithin(order, {12, 18}, {5, 6}), ElementsAre(10, 5, 2));
  EXPECT_THAT(orderWithin(order, {30, 0}, {4, 7}), ElementsAre(10, 4, 20));
}

TEST(StreamOrderTest, PartsWithoutBytesHaveNoOrder) {
  EXPECT_THAT(orderWithin({10, 5}, {0, 0}, {5, 0}), IsEmpty());
  EXPECT_THAT(orderWithin({10, 5}, {10, 0}, {0, 0}), IsEmpty());
  EXPECT_THAT(orderWithin({}, {10, 0}, {5, 0}), IsEmpty());
}

}  // namespace
}  // namespace harness
