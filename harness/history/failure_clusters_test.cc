#include "harness/history/failure_clusters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::history {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(NormalisedTest, IsBounded) {
  EXPECT_EQ(normalised("waited 12.5 s"), "waited <n> s");
  EXPECT_LE(normalised(std::string(1 << 20, 'x')).size(), 1024u);
}

TEST(ClustersTest, EqualFailuresAtOnePlaceAreOneGroup) {
  auto clusters = clustersOf({
      {.run = "r1", .test = "kvd/A.One", .text = "lost 1 key", .file = "a.cc", .line = 5},
      {.run = "r1", .test = "kvd/A.Other", .text = "no leader", .file = "a.cc", .line = 9},
      {.run = "r1", .test = "kvd/A.Two", .text = "lost 7 key", .file = "a.cc", .line = 5},
      {.run = "r2", .test = "kvd/A.Two", .text = "lost 9 key", .file = "a.cc", .line = 5},
      {.run = "r2", .test = "kvd/A.Three", .text = "lost 1 key", .file = "b.cc", .line = 5},
  });
  ASSERT_THAT(clusters, SizeIs(3));
  EXPECT_EQ(clusters[0].text, "lost <n> key");
  EXPECT_EQ(clusters[0].sample, "lost 1 key");
  EXPECT_EQ(clusters[0].place, "a.cc:5");
  EXPECT_THAT(clusters[0].tests, ElementsAre("kvd/A.One", "kvd/A.Two"));
  EXPECT_THAT(clusters[0].runs, ElementsAre("r1", "r2"));
  EXPECT_EQ(clusters[0].count, 3u);
}

}  // namespace
}  // namespace harness::history
