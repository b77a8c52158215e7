// One Cap'n Proto connection, set up with every guard and taken down in a safe order. For both
// ends.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include "schema/support/rpc/guarded_stream.h"

namespace support {

// Owns its stream. To be destroyed on its own thread, also while calls are open: they are rejected.
// Never from within a method that was called over it.
class RpcConnection {
 public:
  // The end that calls. `timer` outlives the connection.
  RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer,
                GuardOptions options = clientGuardOptions());

  // The end that serves `bootstrap`.
  RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer,
                capnp::Capability::Client bootstrap, GuardOptions options);

  // Breaks the transport first, so that what is queued is rejected one by one and not by a deep
  // recursion.
  ~RpcConnection() noexcept(false);

  KJ_DISALLOW_COPY(RpcConnection);

  // Of the other end. Once the connection has ended: a capability whose calls are rejected.
  capnp::Capability::Client bootstrap();

  // Resolves when the connection has ended, for whatever reason; at the end that calls, only once
  // bootstrap() was called, since nothing is read before. Decide about reconnecting by this
  // and never by an exception's type, which the peer can choose.
  kj::Promise<void> onDisconnect() { return network_.onDisconnect(); }

  // Ends the transport at once, in both directions; onDisconnect follows.
  void shutdown();

  GuardedStream& stream() { return guarded_; }

  // Messages that wait to be sent.
  size_t queueCount() { return network_.getCurrentQueueCount(); }

 private:
  RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer, GuardOptions options,
                capnp::rpc::twoparty::Side side, kj::Maybe<capnp::Capability::Client> bootstrap);

  kj::Own<kj::AsyncIoStream> stream_;
  GuardedStream guarded_;
  capnp::TwoPartyVatNetwork network_;
  kj::Maybe<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> system_;
  bool disconnected_ = false;
  kj::Promise<void> watching_;  // Sets disconnected_.
};

}  // namespace support
