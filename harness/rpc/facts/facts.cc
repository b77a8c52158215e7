#include "harness/rpc/facts/facts.h"

#include "harness/rpc/facts/facts_wire.h"
#include "harness/rpc/node_calls.h"

namespace harness::rpc {

muster::Facts Facts::read(SteadyTime until) const {
  auto& node = node_.impl();
  return node.told("call", "facts", until, [&]() { return askFacts(node.connection(), until); });
}

}  // namespace harness::rpc
