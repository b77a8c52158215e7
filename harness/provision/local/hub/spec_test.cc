#include "harness/provision/local/hub/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/provision/local/hub/error.h"

namespace harness {
namespace {

TEST(HubSpecTest, PathThatIsNotUtf8IsRefusedByItsName) {
  HubSpec spec;
  spec.nodes.push_back({.name = "n1", .binds = {{"/opt/\xff/nodeagent", "/usr/bin/nodeagent"}}});
  EXPECT_THAT([&] { toJson(spec); },
              ::testing::ThrowsMessage<HubError>("the path \"/opt/\\xff/nodeagent\" is not UTF-8, "
                                                 "and nodes have it under that name"));
}

}  // namespace
}  // namespace harness
