#include "harness/provision/libvirt/machine_networks.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(MachineNetworksTest, AddressesAreReadAsNumbers) {
  EXPECT_EQ(ipv4In("10.78.5.1"), 0x0a4e0501U);
  for (const char* text : {"", "10.78.5", "10.78.5.300", "::1", "localhost", "1.2.3.4:5"}) {
    EXPECT_EQ(ipv4In(text), std::nullopt) << text;
  }
}

// Loopback has 127.0.0.1/8, which is larger than what is asked for.
TEST(MachineNetworksTest, LargerNetworkHoldsASubnet) {
  EXPECT_EQ(interfaceOn("127.0.0"), "lo");
  EXPECT_EQ(interfaceOn("127.99.3"), "lo");
  EXPECT_EQ(interfaceOn("203.0.113"), "");
}

}  // namespace
}  // namespace harness
