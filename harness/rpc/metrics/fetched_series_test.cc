// Puts answers of agents together: what comes twice, what is lost, and what is too much.
#include <gmock/gmock.h>

#include "harness/rpc/metrics/recordings.h"

namespace harness::rpc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Samples from `first` to `last`, whose time is their number in seconds.
RecordingPart partOf(uint64_t first, uint64_t last, uint64_t lostTo = 0) {
  RecordingPart part;
  part.lostTo = lostTo;
  for (uint64_t number = first; number <= last; ++number) {
    NumberedSample numbered;
    numbered.number = number;
    numbered.sample.sinceBoot = std::chrono::seconds(number);
    part.samples.push_back(numbered);
  }
  return part;
}

std::vector<int> secondsOf(const FetchedSeries& fetched) {
  std::vector<int> all;
  for (const auto& sample : fetched.series().samples) {
    all.push_back(static_cast<int>(sample.sinceBoot / std::chrono::seconds(1)));
  }
  return all;
}

TEST(FetchedSeriesTest, SamplesThatComeTwiceCountOnce) {
  FetchedSeries fetched("n1");
  fetched.add(0, partOf(1, 3));
  fetched.add(0, partOf(1, 4));
  fetched.add(3, partOf(4, 4));
  EXPECT_THAT(secondsOf(fetched), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(fetched.last(), 4u);
  EXPECT_EQ(fetched.series().node, "n1");
  EXPECT_THAT(fetched.series().notes, IsEmpty());
}

TEST(FetchedSeriesTest, WhatTheAgentDroppedIsNoted) {
  FetchedSeries fetched("n1");
  fetched.add(0, partOf(1, 3));
  fetched.add(3, partOf(8, 9, 7));
  // It was dropped after it had been fetched.
  fetched.add(9, partOf(10, 10, 8));
  EXPECT_THAT(fetched.series().notes, ElementsAre(HasSubstr("samples 4 to 7 are lost")));
}

TEST(FetchedSeriesTest, RecordingThatBeganAnewCountsFromOne) {
  FetchedSeries fetched("n1");
  fetched.add(0, partOf(1, 3));
  fetched.beginAgain("the keeper was restarted");
  fetched.add(0, partOf(1, 2));
  EXPECT_THAT(secondsOf(fetched), ElementsAre(1, 2, 3, 1, 2));
  EXPECT_THAT(fetched.series().notes, ElementsAre(HasSubstr("began anew: the keeper")));
}

TEST(FetchedSeriesTest, TooMuchIsThinnedOut) {
  FetchedSeries fetched("n1", 100 * sizeof(muster::MetricSample));
  fetched.add(0, partOf(1, 1000));
  EXPECT_THAT(fetched.series().samples, SizeIs(testing::Le(101)));
  EXPECT_THAT(fetched.series().samples, SizeIs(testing::Ge(50)));
  EXPECT_EQ(secondsOf(fetched).front(), 1);
  EXPECT_GE(secondsOf(fetched).back(), 999);
  EXPECT_TRUE(std::is_sorted(
      fetched.series().samples.begin(), fetched.series().samples.end(),
      [](const auto& left, const auto& right) { return left.sinceBoot < right.sinceBoot; }));
  EXPECT_THAT(fetched.series().notes, testing::Contains(HasSubstr("every second sample")));
}

TEST(FetchedSeriesTest, NotesAreBounded) {
  FetchedSeries fetched("n1");
  for (int i = 0; i < 1000; ++i) fetched.note("again");
  EXPECT_THAT(fetched.series().notes, SizeIs(32));
}

}  // namespace
}  // namespace harness::rpc
