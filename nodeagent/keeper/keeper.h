// The keeper: the process that owns what happens on the node. It serves the RPC of the clients that
// the front relays, keeps their sessions, and does not restart in normal life. It has no socket but
// the one the front connects to.
#pragma once

#include <sys/types.h>

#include <kj/async-io.h>

#include "nodeagent/keeper/client_connections.h"
#include "nodeagent/keeper/gate.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/rpc/listener.h"

namespace nodeagent {

struct KeeperOptions {
  support::Endpoint socket;   // A unix socket, for the front.
  kj::Maybe<uid_t> frontUid;  // Who may connect besides root and our own user; gets the socket.
  size_t connectionsMax = 512;
  size_t connectionsPerIdentityMax = 32;
};

class Keeper final {
 public:
  // Listens, or throws the failure of support::Listener::open. `io` and `gates` outlive it.
  Keeper(kj::AsyncIoContext& io, GateContext& gates, KeeperOptions options);
  ~Keeper() noexcept(false);

  // Serves, and ends sessions whose lease runs out, until cancelled. Rejected if the listening
  // socket breaks.
  kj::Promise<void> run();

  // Ends every session and resolves when what they left has been put back.
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
