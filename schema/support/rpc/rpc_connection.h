// Sets up one Cap'n Proto connection with every guard and takes it down in a safe order, for both
// ends. It does not connect again: the harness's connection does.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include "schema/support/rpc/bounded_network.h"
#include "schema/support/rpc/guarded_stream.h"

namespace support {

// Owns its stream. Destroy it on its own thread, and never from within a method that was called
// over it. Calls that are open then are rejected.
class RpcConnection {
 public:
  // Makes the end that calls. `timer` outlives the connection.
  RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer,
                GuardOptions options = clientGuardOptions());

  // Makes the end that serves `bootstrap`. `timer` outlives the connection.
  RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer,
                capnp::Capability::Client bootstrap, GuardOptions options);

  // Breaks the transport first, so that queued messages are rejected one by one and not by a deep
  // recursion.
  ~RpcConnection() noexcept(false);

  KJ_DISALLOW_COPY(RpcConnection);

  // Returns the other end's bootstrap capability. Once the connection has ended, calls on it are
  // rejected.
  capnp::Capability::Client bootstrap();

  // Resolves when the connection has ended, for whatever reason. At the end that calls it does so
  // only after bootstrap() was called, since nothing is read before. Decide about reconnecting by
  // this and never by an exception's type, which the peer can choose.
  kj::Promise<void> onDisconnect() { return network_.onDisconnect(); }

  // Ends the transport at once, in both directions; onDisconnect follows.
  void shutdown();

  GuardedStream& stream() { return guarded_; }

  // Counts messages that wait to be sent.
  size_t queueCount() { return network_.getCurrentQueueCount(); }

 private:
  RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer, GuardOptions options,
                capnp::rpc::twoparty::Side side, kj::Maybe<capnp::Capability::Client> bootstrap);

  kj::Own<kj::AsyncIoStream> stream_;
  GuardedStream guarded_;
  capnp::TwoPartyVatNetwork network_;
  BoundedNetwork bounded_;
  kj::Maybe<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> system_;
  bool disconnected_ = false;
  // Sets disconnected_.
  kj::Promise<void> watching_;
};

}  // namespace support
