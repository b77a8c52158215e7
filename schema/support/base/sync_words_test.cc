#include "schema/support/base/sync_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace support {
namespace {

using testing::HasSubstr;

TEST(SyncWordsTest, NamesAreShortAndPlain) {
  EXPECT_EQ(whyNoSyncName("name", "phase-2/start.of:it_all"), "");
  EXPECT_EQ(whyNoSyncName("name", std::string(64, 'x')), "");
  EXPECT_THAT(whyNoSyncName("name", std::string(65, 'x')), HasSubstr("{1,64}"));
  EXPECT_THAT(whyNoSyncName("barrier", ""), HasSubstr("barrier: \"\" is not of the form"));
  EXPECT_THAT(whyNoSyncName("name", "a\n"), HasSubstr("\"a\\n\""));
}

TEST(SyncWordsTest, DataAreBounded) {
  EXPECT_EQ(whyNoSyncData({{"a", ""}, {"b", "x=y \xff"}}), "");
  EXPECT_THAT(whyNoSyncData(SyncData(65, {"a", ""})), HasSubstr("65 items, at most 64"));
  EXPECT_THAT(whyNoSyncData({{"a", std::string(1, '\0')}}), HasSubstr("NUL"));
  EXPECT_THAT(whyNoSyncData({{"a/b", ""}}), HasSubstr("the name \"a/b\""));
  EXPECT_THAT(whyNoSyncData({{"a", std::string(8193, 'x')}}), HasSubstr("at most 8192"));
}

TEST(SyncWordsTest, CountsArePositiveAndBounded) {
  EXPECT_EQ(whyNoBarrierCount(1), "");
  EXPECT_EQ(whyNoBarrierCount(10'000), "");
  EXPECT_EQ(whyNoBarrierCount(0), "count: 0, must be from 1 to 10000");
  EXPECT_NE(whyNoBarrierCount(-1), "");
  EXPECT_NE(whyNoBarrierCount(10'001), "");
}

}  // namespace
}  // namespace support
