// Needs of capabilities: nodes that are made for a suite have what it asks for.
#include <muster/muster.h>

namespace {

using namespace muster;
using testing::AnyOf;
using testing::Contains;
using testing::Not;
using testing::Optional;

class DeviceTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"device", 1}}, .capabilities = {"mknod"}}; }
};

TEST_F(DeviceTest, RootMakesDevices) {
  Node& node = cluster().withRole("device").first();
  EXPECT_THAT(node.facts().capabilities, Optional(Contains("mknod")));
  EXPECT_THAT(node.run({"mknod", "/root/disk", "b", "254", "0"}), Succeeded());
}

// The clock of a local node is that of its machine, so no such node may set it.
class PlainNodeTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

TEST_F(PlainNodeTest, LacksWhatNobodyAskedFor) {
  EXPECT_THAT(servers()[0].facts().capabilities,
              Optional(Not(AnyOf(Contains("mknod"), Contains("sys_time")))));
}

}  // namespace
