#include "nodeagent/netfault/control_connections.h"

#include <gmock/gmock.h>

namespace nodeagent::netfault {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const uint16_t kControlPorts[] = {7411};

// As the kernel of a little-endian machine writes it.
constexpr kj::StringPtr kTable4 =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
    "   0: 00000000:1CF3 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n"
    "   1: 0B004D0A:1CF3 01004D0A:D431 01 00000000:00000000 00:00000000 00000000\n"
    "   2: 0C004D0A:1CF4 01004D0A:D432 01 00000000:00000000 00:00000000 00000000\n"
    "   3: 0D004D0A:1CF3 01004D0A:D433 06 00000000:00000000 00:00000000 00000000\n"_kj;

TEST(ControlConnectionsTest, OnlyEstablishedOnesOfOurPortsCount) {
  EXPECT_THAT(localAddressesIn(kTable4, kControlPorts), ElementsAre("10.77.0.11"));
  EXPECT_THAT(localAddressesIn(kTable4, nullptr), IsEmpty());
  const uint16_t any[] = {0};
  EXPECT_THAT(localAddressesIn(kTable4, any), ElementsAre("10.77.0.11", "10.77.0.12"));
}

// An IPv4 peer of a socket for both shows its mapped address.
TEST(ControlConnectionsTest, AddressesOfIPv6AreRead) {
  constexpr kj::StringPtr kTable =
      "   0: 000099FD000000000000000001000000:1CF3 000099FD000000000000000002000000:D431 01 0\n"
      "   1: 0000000000000000FFFF00000B004D0A:1CF3 0000000000000000FFFF000001004D0A:D431 01 0\n"_kj;
  EXPECT_THAT(localAddressesIn(kTable, kControlPorts), ElementsAre("10.77.0.11", "fd99::1"));
}

TEST(ControlConnectionsTest, DamagedTablesGiveNothing) {
  for (kj::StringPtr text : {"x"_kj, "0: 1:1CF3 2:3 01"_kj, "0: 0B004D0A 2:3 01"_kj, ""_kj}) {
    EXPECT_THAT(localAddressesIn(text, kControlPorts), IsEmpty());
  }
  EXPECT_THAT(addressesOf("lo"), Contains("127.0.0.1"));
  EXPECT_THAT(addressesOf("none"), IsEmpty());
}

}  // namespace
}  // namespace nodeagent::netfault
