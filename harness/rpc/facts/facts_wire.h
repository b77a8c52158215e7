// Converts facts from the schema to the public values, and decides nothing by them.
#pragma once

#include <muster/facts.h>

#include "harness/rpc/connection.h"
#include "schema/facts.capnp.h"

namespace harness {

muster::Facts readFacts(wire::Facts::Reader facts);

// Asks the node for its facts. Fails as Connection::call does. It runs on the io thread and borrows
// `connection`.
kj::Promise<muster::Facts> askFacts(Connection& connection, SteadyTime until);

}  // namespace harness
