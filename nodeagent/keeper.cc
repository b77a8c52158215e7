#include "nodeagent/keeper.h"

#include <unistd.h>

#include <algorithm>

#include <kj/debug.h>

#include "nodeagent/link.h"
#include "schema/support/log.h"
#include "schema/support/rpc_connection.h"
#include "schema/support/wire_error.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

// For a connection too many: says so to who says hello, where a mere disconnect would look like a
// broken network. The front ends it when the time for a successful hello is over.
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

// One client, by way of the front.
class Keeper::Connection final : public GateListener {
 public:
  Connection(Keeper& keeper, kj::Own<kj::AsyncIoStream> stream)
      : keeper_(keeper), timer_(keeper.io_.provider->getTimer()), stream_(kj::mv(stream)) {
    position_ = keeper_.connections_.insert(keeper_.connections_.end(), this);
  }
  ~Connection() noexcept(false) { keeper_.connections_.erase(position_); }

  // Until the client is gone or has been silent for too long.
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
    auto& guarded = rpc_->stream();
    guarded.setFrameBytesMax(support::kFrameBytesMax);
    guarded.sendSignal(kSignalAdmitted);
    guarded.onArrival([session = session.addRef()]() mutable { session->renew(); });
    silenceMax_ = silenceMax;
    silence_ = watchSilence().eagerlyEvaluate(nullptr);
  }

  std::string identity;

 private:
  wire::Gate::Client gateFor(Peer&& peer) {
    size_t limit = keeper_.options_.connectionsPerIdentityMax;
    if (keeper_.connectionsOf(identity) > limit) return kj::heap<FullGate>(identity, limit);
    PeerIdentity known{kj::str(identity.c_str()), peer.identity.role,
                       kj::str(peer.address.c_str())};
    return makeGate(keeper_.gates_, kj::mv(known), *this);
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

  Keeper& keeper_;
  kj::Timer& timer_;
  std::list<Connection*>::iterator position_;
  kj::Own<kj::AsyncIoStream> stream_;  // Until the preamble is read; then rpc_ has it.
  kj::Own<support::RpcConnection> rpc_;
  kj::Duration silenceMax_ = 0 * kj::SECONDS;
  kj::Promise<void> silence_ = kj::READY_NOW;
};

Keeper::Keeper(kj::AsyncIoContext& io, GateContext& gates, KeeperOptions options)
    : io_(io),
      gates_(gates),
      options_(kj::mv(options)),
      listener_(Listener::open(options_.socket, io.unixEventPort, io.provider->getTimer())),
      tasks_(*this) {
  KJ_IF_MAYBE (uid, options_.frontUid) {
    listener_->giveTo(*uid);
  }
}

Keeper::~Keeper() noexcept(false) {}

kj::Promise<void> Keeper::run() {
  return acceptAll().exclusiveJoin(gates_.sessions.watchLeases());
}

kj::Promise<void> Keeper::acceptAll() {
  return listener_->accept().then([this](AcceptedSocket&& accepted) {
    welcome(kj::mv(accepted));
    return acceptAll();
  });
}

void Keeper::welcome(AcceptedSocket&& accepted) {
  bool known = accepted.uid == 0 || accepted.uid == geteuid();
  KJ_IF_MAYBE (uid, options_.frontUid) {
    known = known || accepted.uid == *uid;
  }
  if (!known || connections_.size() >= options_.connectionsMax) {
    support::logLimited("refuse", support::Level::kWarn, "connection refused",
                        {{"uid", accepted.uid},
                         {"reason", known ? "too many connections" : "not the front's user"}});
    return;
  }
  auto connection =
      kj::heap<Connection>(*this, io_.lowLevelProvider->wrapSocketFd(kj::mv(accepted.socket)));
  auto& reference = *connection;
  tasks_.add(kj::evalNow([&reference]() { return reference.serve(); })
                 .catch_([&reference](kj::Exception&& exception) {
                   support::logLimited(
                       "connection", support::Level::kInfo, "connection ended",
                       {{"identity", reference.identity}, {"reason", exception.getDescription()}});
                 })
                 .attach(kj::mv(connection)));
}

size_t Keeper::connectionsOf(const std::string& identity) const {
  return std::count_if(
      connections_.begin(), connections_.end(),
      [&identity](const Connection* connection) { return connection->identity == identity; });
}

void Keeper::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a connection's task failed",
               {{"text", exception.getDescription()}});
}

}  // namespace nodeagent
