// The scopes of our session on one node: opens each when a call needs it, again after a loss of the
// connection, and ends it.
//
// A scope that could not be ended because the node was not there is ended before the next one
// begins. All members belong to the io thread.
#pragma once

#include <stdint.h>

#include <map>
#include <string>
#include <vector>

#include <kj/async.h>

#include "harness/rpc/controller_options.h"
#include "harness/rpc/loop.h"
#include "harness/rpc/scope.h"
#include "schema/support/base/id.h"

namespace harness {

struct EstablishedConnection;

class NodeScopes {
 public:
  // Borrows `loop`. `node` is the node's name.
  NodeScopes(Loop& loop, std::string node);
  ~NodeScopes();
  KJ_DISALLOW_COPY(NodeScopes);

  // Returns what the calls of `scope` go over: `live` with the capabilities of the scope. An agent
  // that is too old to know scopes gets them in its session, so that they last until its end.
  // Failure conflict if the scope has ended.
  kj::Promise<kj::Own<EstablishedConnection>> enter(EstablishedConnection& live, ScopeHandle scope);

  // Notes that the scope is to be ended. False: it was never entered here, or its session is gone,
  // and there is nothing to do.
  bool leave(const Scope& scope, uint64_t generation);

  // Ends the scopes that are noted, over `live`, and returns what they left.
  kj::Promise<std::vector<Leftover>> endNoted(EstablishedConnection& live);

  // The connection is gone.
  void forgetConnection();

 private:
  struct Open;

  // A scope that the node may still have.
  struct Noted {
    support::Id id;
    uint64_t generation = 0;
    std::string name;
  };

  kj::Promise<void> open(EstablishedConnection& live, ScopeHandle scope, support::Id id);

  Loop& loop_;
  std::string node_;

  // By the scope's number.
  std::map<uint64_t, Open> open_;
  std::vector<Noted> noted_;

  // What scopes have left that ended without anybody who waited for them.
  std::vector<Leftover> leftovers_;
};

}  // namespace harness
