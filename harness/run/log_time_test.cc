#include "harness/run/log_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::run {
namespace {

using testing::Eq;
using testing::Optional;

// `date -u -d 2026-12-01T02:45:01Z +%s`
constexpr int64_t kTime = 1'796'093'101'000'000'000;

TEST(LogTimeTest, TimesWithAZoneAreRead) {
  EXPECT_THAT(timeIn("2026-12-01T02:45:01Z started"), Optional(kTime));
  EXPECT_THAT(timeIn("2026-12-01T02:45:01.25Z x"), Optional(kTime + 250'000'000));
  EXPECT_THAT(timeIn("[2026-12-01 02:45:01.250000 +0000] E [MSGID: 1]"),
              Optional(kTime + 250'000'000));
  EXPECT_THAT(timeIn("<13>2026-12-01T04:15:01,5+01:30 x"), Optional(kTime + 500'000'000));
  EXPECT_THAT(timeIn("2026-12-01T01:45:01-0100"), Optional(kTime));
  EXPECT_THAT(timeIn("2026-12-01T02:45:01.1234567891Z"), Optional(kTime + 123'456'789));
}

TEST(LogTimeTest, NamesOfUtcAreZones) {
  EXPECT_THAT(timeIn("2026-12-01 02:45:01.250 UTC [4711] LOG:  ready"),
              Optional(kTime + 250'000'000));
  EXPECT_THAT(timeIn("2026-12-01 02:45:01 GMT"), Optional(kTime));
  EXPECT_THAT(timeIn("2026-12-01 02:45:01 UTCX"), Eq(std::nullopt));
}

TEST(LogTimeTest, TimesWithoutAZoneAreLocalOnes) {
  constexpr int64_t kHour = 3'600'000'000'000;
  EXPECT_THAT(localTimeIn("2026-12-01 02:45:01 started", 0), Optional(kTime));
  EXPECT_THAT(localTimeIn("[2026-12-01 04:45:01,5] started", 2 * kHour),
              Optional(kTime + 500'000'000));
  EXPECT_THAT(localTimeIn("2026-12-01 01:45:01 - started", -kHour), Optional(kTime));
  // The name of a zone may be any, and most likely is the node's.
  EXPECT_THAT(localTimeIn("2026-12-01 03:45:01 CET started", kHour), Optional(kTime));
}

TEST(LogTimeTest, TimesWithAZoneAreNoLocalOnes) {
  for (const char* line : {"2026-12-01T02:45:01Z", "2026-12-01 02:45:01 +0000", "started",
                           "2026-12-01T02:45:01+1", "2026-12-01 02:45:01 UTC"}) {
    EXPECT_THAT(localTimeIn(line, 0), Eq(std::nullopt)) << line;
  }
}

TEST(LogTimeTest, OthersAreNotGuessed) {
  for (const char* line : {"", "started", "2026-12-01 02:45:01 no zone", "Dec  1 02:45:01 s1 kvd",
                           "2026-12-01T02:45", "2026-12-01T02:45:01+1", "2026-12-01T02:45:01+aa:bb",
                           "far behind the beginning of the line 2026-12-01T02:45:01Z"}) {
    EXPECT_THAT(timeIn(line), Eq(std::nullopt)) << line;
  }
}

}  // namespace
}  // namespace harness::run
