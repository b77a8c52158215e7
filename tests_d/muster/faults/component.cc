#include "component.h"

namespace faults {

bool pings(const muster::Node& from, const muster::Node& to) {
  return from.run({"ping", "-c", "1", "-W", "1", "-n", to.address()}).succeeded();
}

std::string tablesOf(const muster::Node& node) {
  return node.run({"sh", "-c", "nft list tables | grep muster_"}).out;
}

}  // namespace faults
