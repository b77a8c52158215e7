#include "schema/support/rpc/bounded_network.h"

#include <kj/refcount.h>

#include "schema/support/base/wire_error.h"

namespace support {
namespace {

using Base = capnp::TwoPartyVatNetworkBase;

// The library's caller of `send` expects that it throws: it rejects the call, or answers the peer's
// with the failure.
class BoundedMessage final : public capnp::OutgoingRpcMessage {
 public:
  explicit BoundedMessage(kj::Own<capnp::OutgoingRpcMessage> message) : message_(kj::mv(message)) {}

  capnp::AnyPointer::Builder getBody() override { return message_->getBody(); }
  void setFds(kj::Array<int> fds) override { message_->setFds(kj::mv(fds)); }
  size_t sizeInWords() override { return message_->sizeInWords(); }

  void send() override {
    size_t words = message_->sizeInWords();
    if (words > kMessageWordsMax) {
      fail(wire::Error::Kind::INVALID, "a message of ", words * sizeof(capnp::word),
           " bytes is too large to be sent, at most ", kMessageWordsMax * sizeof(capnp::word),
           " are allowed");
    }
    message_->send();
  }

 private:
  kj::Own<capnp::OutgoingRpcMessage> message_;
};

}  // namespace

class BoundedNetwork::BoundedConnection final : public Base::Connection, public kj::Refcounted {
 public:
  BoundedConnection(BoundedNetwork& owner, kj::Own<Base::Connection> connection)
      : owner_(owner), connection_(kj::mv(connection)) {}
  ~BoundedConnection() noexcept(false) { owner_.connection_ = nullptr; }

  kj::Own<capnp::RpcFlowController> newStream() override { return connection_->newStream(); }
  capnp::rpc::twoparty::VatId::Reader getPeerVatId() override {
    return connection_->getPeerVatId();
  }
  kj::Own<capnp::OutgoingRpcMessage> newOutgoingMessage(unsigned int firstSegmentWords) override {
    return kj::heap<BoundedMessage>(connection_->newOutgoingMessage(firstSegmentWords));
  }
  kj::Promise<kj::Maybe<kj::Own<capnp::IncomingRpcMessage>>> receiveIncomingMessage() override {
    return connection_->receiveIncomingMessage();
  }
  kj::Promise<void> shutdown() override { return connection_->shutdown(); }

 private:
  BoundedNetwork& owner_;
  kj::Own<Base::Connection> connection_;
};

kj::Own<Base::Connection> BoundedNetwork::bounded(kj::Own<Connection> connection) {
  KJ_IF_MAYBE (known, connection_) return kj::addRef(*known);
  auto made = kj::refcounted<BoundedConnection>(*this, kj::mv(connection));
  connection_ = *made;
  return made;
}

kj::Maybe<kj::Own<Base::Connection>> BoundedNetwork::connect(
    capnp::rpc::twoparty::VatId::Reader peer) {
  return network_.connect(peer).map(
      [this](kj::Own<Connection>&& connection) { return bounded(kj::mv(connection)); });
}

kj::Promise<kj::Own<Base::Connection>> BoundedNetwork::accept() {
  return network_.accept().then(
      [this](kj::Own<Connection>&& connection) { return bounded(kj::mv(connection)); });
}

}  // namespace support
