#include "harness/cluster/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using ::testing::ElementsAre;

TEST(SelectionTest, KeepsTheOrderOfTheCluster) {
  ClusterDescription cluster;
  cluster.nodes = {{"s1", "server", {{"rack", "a"}}, {}, {}},
                   {"s2", "server", {{"rack", "b"}}, {}, {}},
                   {"c1", "client", {}, {}, {}}};
  EXPECT_THAT(selectNodes(cluster, "c1,s[1-2]"), ElementsAre("s1", "s2", "c1"));
  EXPECT_THAT(selectNodes(cluster, "@server!s1"), ElementsAre("s2"));
  EXPECT_THAT(selectNodes(cluster, "@rack=b,@client"), ElementsAre("s2", "c1"));
  EXPECT_THAT(selectNodes(cluster, "@rack"), ElementsAre("s1", "s2"));
  EXPECT_THAT(selectNodes(cluster, "@*"), ElementsAre("s1", "s2", "c1"));
  EXPECT_THAT([&] { selectNodes(cluster, "s1,s9"); },
              ::testing::ThrowsMessage<NodeExpressionError>(
                  "there is no node \"s9\"; did you mean \"s1\"?"));
}

}  // namespace
}  // namespace harness
