// Serves the processes of commands on a unix socket of the node that every user can reach: reads
// one request of each connection, finds the command by its key, and sends the reply.
//
// Strangers can connect too. A connection that does not send a whole request in time is closed, the
// number of connections is bounded, for all and for one user, and nothing is done for a key that no
// running command has.
#pragma once

#include <sys/types.h>

#include <map>

#include <kj/async-unix.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include "nodeagent/session/commands.h"
#include "nodeagent/sync/message.h"
#include "schema/support/rpc/listener.h"
#include "schema/support/rpc/socket_stream.h"

namespace nodeagent::sync {

struct SocketLimits {
  size_t connectionsMax = 512;
  size_t connectionsOfUserMax = 256;
  // Bounds the time in which a request comes, and in which a reply is taken.
  kj::Duration transferMax = 5 * kj::SECONDS;
};

class ScriptSocket final : private kj::TaskSet::ErrorHandler {
 public:
  // Serves the request of a command. Its promise is dropped when the process has gone.
  using Serve = kj::Function<kj::Promise<Reply>(Command& command, Request request)>;

  // Listens at `path`. Throws the failure of support::Listener::open. Everything that it borrows
  // outlives it.
  ScriptSocket(kj::UnixEventPort& port, kj::Timer& timer, kj::StringPtr path, Commands& commands,
               Serve serve, const SocketLimits& limits = {});
  ~ScriptSocket() noexcept(false);
  KJ_DISALLOW_COPY(ScriptSocket);

  size_t connectionCount() const { return connections_; }

 private:
  kj::Promise<void> acceptAll();
  void welcome(support::AcceptedSocket&& accepted);
  kj::Promise<void> converse(support::SocketStream& stream);
  kj::Promise<Request> readFrom(support::SocketStream& stream);
  kj::Promise<Reply> serveCommand(Request request);
  kj::Promise<void> send(support::SocketStream& stream, const Reply& reply);
  template <typename T>
  kj::Promise<T> inTime(kj::Promise<T> transfer);
  void taskFailed(kj::Exception&& exception) override;

  kj::UnixEventPort& port_;
  kj::Timer& timer_;
  Commands& commands_;
  Serve serve_;
  const SocketLimits limits_;
  kj::Own<support::Listener> listener_;
  size_t connections_ = 0;
  std::map<uid_t, size_t> ofUser_;
  kj::TaskSet tasks_;
};

}  // namespace nodeagent::sync
