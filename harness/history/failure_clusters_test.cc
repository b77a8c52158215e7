#include "harness/history/failure_clusters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::history {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(NormalisedTest, ReplacesWhatDiffersFromRunToRun) {
  const std::pair<const char*, const char*> kTexts[] = {
      {"waited 12.5 s for 3 nodes", "waited <n> s for <n> nodes"},
      {"took 250ms", "took <n>ms"},
      {"at 2026-12-01T02:45:01.123Z on", "at <time> on"},
      {"Dec  1 02:45:01 kvd[4711]: gone", "<time> kvd[<n>]: gone"},
      {"id 550e8400-e29b-41d4-a716-446655440000.", "id <uuid>."},
      {"connect to 10.7.0.12:7400 refused", "connect to <address> refused"},
      {"[fe80::1]:80 and fe80::5054:ff:fe12:3456", "<address> and <address>"},
      {"object at 0x7ffd3a10 freed", "object at <pointer> freed"},
      {"open /tmp/muster-x81k/log: denied", "open /tmp/<temporary>/log: denied"},
      {"commit 3fa91c20d1b2 is bad", "commit <hex> is bad"},
      {"server1 on x86_64 said defaced", "server1 on x86_64 said defaced"},
      {"no number", "no number"},
      {"", ""},
  };
  for (const auto& [text, expected] : kTexts) EXPECT_EQ(normalised(text), expected);
}

TEST(NormalisedTest, IsBoundedAndTakesAnyBytes) {
  EXPECT_LE(normalised(std::string(1 << 20, 'x')).size(), 1024u);
  EXPECT_FALSE(normalised("\xff\xfe broken 12 \0 bytes").empty());
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
