// The smallest test program: one case that takes a node of a cluster and does nothing with it.
#include <muster/muster.h>

namespace {

class EmptyCaseTest : public muster::ClusterTest {
 public:
  static muster::Needs needs() { return {.nodes = {{"server", 1}}}; }
};

TEST_F(EmptyCaseTest, HasItsNode) {
  EXPECT_FALSE(servers().empty());
}

}  // namespace
