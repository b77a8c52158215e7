#include "nodeagent/keeper/client_connections.h"

#include <algorithm>

#include "nodeagent/link/preamble.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/rpc_connection.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

// Refuses the hello of an identity that has too many connections. A mere disconnect would look like
// a broken network. The front ends the connection when the time for a successful hello is over.
class FullGate final : public wire::Gate::Server {
 public:
  FullGate(std::string identity, size_t limit) : identity_(std::move(identity)), limit_(limit) {}

  kj::Promise<void> hello(HelloContext context) override {
    return support::answer(context, "gate.hello", [this]() {
      support::fail(Kind::OVERLOADED, "identity ", identity_.c_str(), " has ", limit_,
                    " connections to this agent, which is the limit");
    });
  }

 private:
  std::string identity_;
  size_t limit_;
};

}  // namespace

// Serves one client, in these steps:
// 1. The preamble says which peer the front has let in.
// 2. The peer gets a gate, or a refusal if its identity has too many connections.
// 3. A successful hello calls greeted(). The front learns that the peer is admitted, frames may be
// large, and from now on each arrival renews the lease and each silence is measured.
// 4. The connection ends when the peer is gone or silent for too long, or when its session ran out
// meanwhile.
class ClientConnections::Connection final : public GateListener {
 public:
  Connection(ClientConnections& owner, kj::Own<kj::AsyncIoStream> stream)
      : owner_(owner), timer_(owner.timer_), stream_(kj::mv(stream)) {
    position_ = owner_.connections_.insert(owner_.connections_.end(), this);
  }
  ~Connection() noexcept(false) { owner_.connections_.erase(position_); }

  // Resolves when the client is gone or has been silent for too long.
  kj::Promise<void> serve() {
    return readPreamble(*stream_, timer_).then([this](Peer&& peer) {
      identity = peer.identity.name;
      auto gate = gateFor(kj::mv(peer));
      rpc_ = kj::heap<support::RpcConnection>(kj::mv(stream_), timer_, kj::mv(gate),
                                              support::GuardOptions());
      return rpc_->onDisconnect();
    });
  }

  void greeted(Session& session, kj::Duration silenceMax) override {
    contact_ = kj::heap<Session::Contact>(session);
    auto& guarded = rpc_->stream();
    guarded.setFrameBytesMax(support::kFrameBytesMax);
    guarded.sendSignal(kSignalAdmitted);
    guarded.onArrival([this, session = session.addRef()]() mutable {
      session->renew();
      // The session ran out while nothing was heard of the client, for example because the node was
      // suspended. The connection ends, so that the client attaches again and learns of that.
      if (session->hasExpired()) rpc_->shutdown();
    });
    silenceMax_ = silenceMax;
    silence_ = watchSilence().eagerlyEvaluate(nullptr);
  }

  std::string identity;

 private:
  wire::Gate::Client gateFor(Peer&& peer) {
    // This connection is counted too, because its identity is known by now.
    size_t limit = owner_.perIdentityMax_;
    if (owner_.countOf(identity) > limit) return kj::heap<FullGate>(identity, limit);
    return makeGate(owner_.gates_, kj::mv(peer), *this);
  }

  kj::Promise<void> watchSilence() {
    auto last = rpc_->stream().lastArrival();
    if (timer_.now() - last >= silenceMax_) {
      support::log(support::Level::kInfo, "connection ends: nothing was heard of the client",
                   {{"identity", identity}, {"silence_ms", silenceMax_ / kj::MILLISECONDS}});
      rpc_->shutdown();
      return kj::READY_NOW;
    }
    return timer_.atTime(last + silenceMax_).then([this]() { return watchSilence(); });
  }

  ClientConnections& owner_;
  kj::Timer& timer_;
  std::list<Connection*>::iterator position_;
  // Is held here until the preamble is read, and by `rpc_` afterwards.
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<support::RpcConnection> rpc_;
  kj::Own<Session::Contact> contact_;
  kj::Duration silenceMax_ = 0 * kj::SECONDS;
  kj::Promise<void> silence_ = kj::READY_NOW;
};

ClientConnections::ClientConnections(kj::Timer& timer, GateContext& gates, size_t perIdentityMax)
    : timer_(timer), gates_(gates), perIdentityMax_(perIdentityMax), tasks_(*this) {}

ClientConnections::~ClientConnections() noexcept(false) {}

void ClientConnections::serve(kj::Own<kj::AsyncIoStream> stream) {
  auto connection = kj::heap<Connection>(*this, kj::mv(stream));
  auto& reference = *connection;
  tasks_.add(kj::evalNow([&reference]() { return reference.serve(); })
                 .catch_([&reference](kj::Exception&& exception) {
                   support::logLimited("connection", support::Level::kInfo, "connection ended",
                                       {{"identity", reference.identity},
                                        {"reason", support::reasonOf(exception)}});
                 })
                 .attach(kj::mv(connection)));
}

size_t ClientConnections::countOf(const std::string& identity) const {
  return std::count_if(
      connections_.begin(), connections_.end(),
      [&identity](const Connection* connection) { return connection->identity == identity; });
}

void ClientConnections::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a connection's task failed",
               {{"text", exception.getDescription()}});
}

}  // namespace nodeagent
