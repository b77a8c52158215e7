#include "harness/provision/local/hub/mac_address.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using ::testing::ElementsAre;

TEST(MacAddressTest, EndsWithTheFirstIpv4Address) {
  MacAddress mac = macAddressOf("kvd", {"fd77::11/64", "10.77.0.11/16", "10.77.9.9/16"}, 1);
  EXPECT_THAT(std::vector<int>(mac.begin() + 2, mac.end()), ElementsAre(10, 77, 0, 11));
  EXPECT_EQ(mac, macAddressOf("kvd", {"10.77.0.11/16"}, 7)) << "the number has no part in it";
}

TEST(MacAddressTest, DependsOnTheCluster) {
  EXPECT_NE(macAddressOf("kvd-1", {"10.77.0.11/16"}, 1),
            macAddressOf("kvd-2", {"10.77.0.11/16"}, 1));
}

// Nodes have addresses of both families, or of one; 0 is the number of the bridge.
TEST(MacAddressTest, IsUnicastAndLocalAndUniqueInACluster) {
  std::set<MacAddress> seen;
  auto check = [&](const std::vector<std::string>& addresses, int number) {
    MacAddress mac = macAddressOf("kvd", addresses, number);
    EXPECT_EQ(mac[0] & 3, 2) << "not unicast and locally administered";
    EXPECT_TRUE(seen.insert(mac).second) << "twice: " << addresses.front();
  };
  check({"10.77.0.1/16", "fd77::1/64"}, 0);
  int number = 0;
  for (int third = 0; third < 8; ++third) {
    for (int fourth = 2; fourth < 255; ++fourth) {
      std::string end = std::to_string(third) + "." + std::to_string(fourth);
      check({"10.77." + end + "/16"}, ++number);
      check({"fd77::" + std::to_string(third) + ":" + std::to_string(fourth) + "/64"}, ++number);
    }
  }
}

}  // namespace
}  // namespace harness
