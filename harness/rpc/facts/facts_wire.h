// Facts from the schema to the public values.
#pragma once

#include <muster/facts.h>

#include "harness/rpc/connection.h"
#include "schema/facts.capnp.h"

namespace harness {

muster::Facts readFacts(wire::Facts::Reader facts);

// Asks the node. Fails as Connection::call does. On the io thread; borrows `connection`.
kj::Promise<muster::Facts> askFacts(Connection& connection, SteadyTime until);

}  // namespace harness
