#include "schema/support/rpc/rpc_connection.h"

#include <sys/socket.h>

#include <capnp/message.h>
#include <kj/debug.h>

namespace support {
namespace {

using Side = capnp::rpc::twoparty::Side;

// The number of words of call parameters that a server holds for one connection before it stops
// reading.
constexpr size_t kFlowLimitWords = 4 * kFrameBytesMax / sizeof(capnp::word);

}  // namespace

RpcConnection::RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer,
                             GuardOptions options)
    : RpcConnection(kj::mv(stream), timer, options, Side::CLIENT, nullptr) {}

RpcConnection::RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer,
                             capnp::Capability::Client bootstrap, GuardOptions options)
    : RpcConnection(kj::mv(stream), timer, options, Side::SERVER, kj::mv(bootstrap)) {}

RpcConnection::RpcConnection(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer,
                             GuardOptions options, Side side,
                             kj::Maybe<capnp::Capability::Client> bootstrap)
    : stream_(kj::mv(stream)),
      guarded_(*stream_, timer, options),
      network_(guarded_, side, readerOptions()),
      bounded_(network_),
      watching_(network_.onDisconnect()
                    .then([this]() { disconnected_ = true; })
                    .eagerlyEvaluate([](kj::Exception&&) {})) {
  guarded_.setQueueProbe([this]() {
    return GuardedStream::Queue{network_.getCurrentQueueCount(), network_.getCurrentQueueSize()};
  });
  KJ_IF_MAYBE (capability, bootstrap) {
    system_ = capnp::makeRpcServer(bounded_, kj::mv(*capability));
    KJ_ASSERT_NONNULL(system_).setFlowLimit(kFlowLimitWords);
  } else {
    system_ = capnp::makeRpcClient(bounded_);
  }
}

RpcConnection::~RpcConnection() noexcept(false) {
  shutdown();
  system_ = nullptr;
}

capnp::Capability::Client RpcConnection::bootstrap() {
  // The library would begin a second conversation on the dead stream, and fail an assertion.
  if (disconnected_ || guarded_.ended())
    return KJ_EXCEPTION(DISCONNECTED, "the connection has ended");
  // The bootstrap is the other side's.
  capnp::MallocMessageBuilder message(4);
  auto peer = message.initRoot<capnp::rpc::twoparty::VatId>();
  peer.setSide(network_.getSide() == Side::CLIENT ? Side::SERVER : Side::CLIENT);
  return KJ_ASSERT_NONNULL(system_).bootstrap(peer);
}

void RpcConnection::shutdown() {
  KJ_IF_MAYBE (descriptor, stream_->getFd()) {
    // A socket that is already disconnected refuses, which is as good.
    ::shutdown(*descriptor, SHUT_RDWR);
  } else {
    kj::runCatchingExceptions([this]() { stream_->abortRead(); });
  }
}

}  // namespace support
