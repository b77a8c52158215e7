// Converts facts from the schema to the public values, and decides nothing by them.
#pragma once

#include <muster/facts.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/facts/snapshot.h"
#include "schema/facts.capnp.h"

namespace harness {

muster::Facts readFacts(wire::Facts::Reader facts);

// Asks the node for its facts. Fails as Connection::call does. It runs on the io thread and borrows
// `connection`.
kj::Promise<muster::Facts> askFacts(Connection& connection, SteadyTime until);

// Asks what runs and is set up on the node, in the same way. An agent older than protocol 1.4
// answers with kind unsupported.
kj::Promise<Snapshot> askSnapshot(Connection& connection, SteadyTime until);

}  // namespace harness
