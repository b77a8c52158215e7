#include "nodeagent/keeper/keeper.h"

#include <unistd.h>

#include "schema/support/base/log.h"
#include "schema/support/rpc/socket_stream.h"

namespace nodeagent {

Keeper::Keeper(kj::AsyncIoContext& io, GateContext& gates, KeeperOptions options)
    : io_(io),
      gates_(gates),
      options_(kj::mv(options)),
      listener_(
          support::Listener::open(options_.socket, io.unixEventPort, io.provider->getTimer())),
      connections_(io.provider->getTimer(), gates, options_.connectionsPerIdentityMax) {
  KJ_IF_MAYBE (uid, options_.frontUid) {
    listener_->giveTo(*uid);
  }
}

Keeper::~Keeper() noexcept(false) {}

kj::Promise<void> Keeper::run() {
  return acceptAll().exclusiveJoin(gates_.sessions.watchLeases());
}

kj::Promise<void> Keeper::acceptAll() {
  return listener_->accept().then([this](support::AcceptedSocket&& accepted) {
    welcome(kj::mv(accepted));
    return acceptAll();
  });
}

void Keeper::welcome(support::AcceptedSocket&& accepted) {
  bool known = accepted.uid == 0 || accepted.uid == geteuid();
  KJ_IF_MAYBE (uid, options_.frontUid) {
    known = known || accepted.uid == *uid;
  }
  if (!known || connections_.count() >= options_.connectionsMax) {
    support::logLimited("refuse", support::Level::kWarn, "connection refused",
                        {{"uid", accepted.uid},
                         {"reason", known ? "too many connections" : "not the front's user"}});
    return;
  }
  connections_.serve(kj::heap<support::SocketStream>(io_.unixEventPort, kj::mv(accepted.socket)));
}

}  // namespace nodeagent
