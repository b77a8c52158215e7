// Reads what a welcome tells of earlier sessions of our identity (EarlierSession), and ends or
// adopts them. For the io thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <kj/async.h>

#include "harness/rpc/bytes.h"
#include "harness/rpc/connection.h"
#include "harness/rpc/controller_options.h"
#include "harness/rpc/failure.h"
#include "schema/agent.capnp.h"

namespace harness {

// Returns the earlier sessions of the node. nullopt: its agent is too old to tell.
std::optional<std::vector<EarlierSession>> readEarlier(const std::string& node,
                                                       wire::Welcome::Reader welcome);

// Ends or adopts an earlier session, given its id. The answer names the changes that could not be
// undone. Fails with kind expired if it is to be adopted and is gone.
kj::Promise<std::vector<Leftover>> actOnEarlier(Connection& connection, const std::string& id,
                                                EarlierAction action, SteadyTime until);

// Reads the changes that a session could not undo from the answer of its end.
template <typename Response>
std::vector<Leftover> readLeftovers(const std::string& node, const Response& response) {
  requireNoError(response);
  std::vector<Leftover> leftovers;
  for (auto leftover : response.getLeftovers()) {
    leftovers.push_back(
        {node, stringOf(leftover.getWhat()), stringOf(leftover.getReason().getText())});
  }
  return leftovers;
}

}  // namespace harness
