// Pins what nft is told.
#include "nodeagent/relay/link_filter.h"

#include <gtest/gtest.h>

#include "nodeagent/relay/relay.h"

namespace nodeagent::relay {
namespace {

TEST(LinkFilterTextTest, HasEverythingOfOneInterface) {
  FilterSpec spec{"muster_relay_2", "eth0", "muster-2", 7, {7400, 7401}};
  EXPECT_EQ(filterText(spec),
            "create table netdev muster_relay_2 { flags owner; }; "
            "add chain netdev muster_relay_2 sent "
            "{ type filter hook egress device \"eth0\" priority 0; policy accept; }; "
            "add rule netdev muster_relay_2 sent meta mark 7 accept; "
            "add rule netdev muster_relay_2 sent tcp sport { 7400, 7401 } accept; "
            "add rule netdev muster_relay_2 sent icmpv6 type { nd-router-solicit, "
            "nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept; "
            "add rule netdev muster_relay_2 sent meta protocol { ip, ip6 } counter "
            "fwd to \"muster-2\"");
  spec.passingPorts.clear();
  EXPECT_EQ(filterText(spec).find("sport"), std::string::npos);
}

TEST(RelayWordsTest, NameEverything) {
  RelaySpec spec;
  spec.interface = "eth0";
  spec.index = 2;
  spec.shape = {8000, 5, 4, 3, 2, 1};
  spec.controlPorts = {7400, 7401};
  spec.keeper = 99;
  EXPECT_EQ(relayWords(spec), (std::vector<std::string>{"eth0", "2", "8000", "5", "4", "3", "2",
                                                        "1", "7400,7401", "99"}));
}

// An interface's name has 15 characters at most.
TEST(RelayWordsTest, DeviceHasANameThatTheKernelTakes) {
  EXPECT_EQ(tapName(2), "muster-2");
  EXPECT_EQ(tapName(99'999'999).size(), 15u);
}

}  // namespace
}  // namespace nodeagent::relay
