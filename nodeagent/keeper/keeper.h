// Runs the keeper, which owns everything that happens on the node. It accepts the front's
// connections and ends sessions whose lease runs out. Its only socket is the one to which the front
// connects, so it has no network code. It does not set up the process (keeper_process.h does).
#pragma once

#include <sys/types.h>

#include <kj/async-io.h>

#include "nodeagent/keeper/client_connections.h"
#include "nodeagent/keeper/gate.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/rpc/listener.h"

namespace nodeagent {

struct KeeperOptions {
  // A unix socket for the front.
  support::Endpoint socket;
  // This user owns the socket and may connect, besides root and the keeper's own user.
  kj::Maybe<uid_t> frontUid;
  size_t connectionsMax = 512;
  size_t connectionsPerIdentityMax = 32;
};

class Keeper final {
 public:
  // Listens, or throws the failure of support::Listener::open. `io` and `gates` outlive it.
  Keeper(kj::AsyncIoContext& io, GateContext& gates, KeeperOptions options);
  ~Keeper() noexcept(false);

  // Serves, and ends sessions whose lease runs out, until it is cancelled. Rejects if the listening
  // socket breaks.
  kj::Promise<void> run();

  // Ends every session, and resolves when their undo lists are done.
  kj::Promise<void> stop() { return gates_.sessions.endAll(); }

  size_t connectionCount() const { return connections_.count(); }

 private:
  kj::Promise<void> acceptAll();
  void welcome(support::AcceptedSocket&& accepted);

  kj::AsyncIoContext& io_;
  GateContext& gates_;
  KeeperOptions options_;
  kj::Own<support::Listener> listener_;
  ClientConnections connections_;
};

}  // namespace nodeagent
