#include "component.h"

#include <chrono>

using namespace std::chrono_literals;

namespace faults {

bool pings(const muster::Node& from, const muster::Node& to) {
  return from.run({"ping", "-c", "1", "-W", "1", "-n", to.address()}).succeeded();
}

std::string tablesOf(const muster::Node& node) {
  return node.run({"sh", "-c", "nft list tables | grep muster_"}).out;
}

void killKeeper(muster::Node& node) {
  uint32_t before = node.state().reconnects;
  node.run({"sh", "-c", "kill -KILL $PPID"});
  EXPECT_THAT([&] { return node.state().reconnects; },
              muster::Eventually(testing::Gt(before), 20s, 20ms));
}

}  // namespace faults
