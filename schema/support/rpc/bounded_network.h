// Refuses a message that is too large for a frame where it is made, so that the one call fails. A
// peer would end the connection over such a frame, and a caller that connects again would only send
// it again.
#pragma once

#include <capnp/rpc-twoparty.h>

#include "schema/support/rpc/frame.h"

namespace support {

// The most words of a message, which leave space for the table of its frame.
constexpr size_t kMessageWordsMax =
    kFrameBytesMax / sizeof(capnp::word) - (FrameLimits().segmentsMax + 2) / 2;

// Passes everything on to the library's network, but for messages that are too large. Those fail
// with kind invalid.
class BoundedNetwork final : public capnp::TwoPartyVatNetworkBase {
 public:
  // `network` outlives this.
  explicit BoundedNetwork(capnp::TwoPartyVatNetwork& network) : network_(network) {}

  kj::Maybe<kj::Own<Connection>> connect(capnp::rpc::twoparty::VatId::Reader peer) override;
  kj::Promise<kj::Own<Connection>> accept() override;

 private:
  class BoundedConnection;

  kj::Own<Connection> bounded(kj::Own<Connection> connection);

  capnp::TwoPartyVatNetwork& network_;

  // The network has one connection, and the library knows it by its address. Null: nobody holds it.
  kj::Maybe<BoundedConnection&> connection_;
};

}  // namespace support
