// Serves the connections of clients over the streams that the front relays. It renews a session's
// lease whenever its client is heard of, and ends a connection that is silent for too long. It does
// not accept streams (keeper.h does), nor decide what a client may call (gate.h).
#pragma once

#include <list>
#include <string>

#include <kj/async-io.h>
#include <kj/timer.h>

#include "nodeagent/keeper/gate.h"

namespace nodeagent {

class ClientConnections final : private kj::TaskSet::ErrorHandler {
 public:
  // `timer` and `gates` outlive it.
  ClientConnections(kj::Timer& timer, GateContext& gates, size_t perIdentityMax);
  ~ClientConnections() noexcept(false);
  KJ_DISALLOW_COPY(ClientConnections);

  // Serves the client at the other end of `stream` until it is gone. The stream begins with a
  // preamble (nodeagent/link/preamble.h).
  void serve(kj::Own<kj::AsyncIoStream> stream);

  size_t count() const { return connections_.size(); }

 private:
  class Connection;

  size_t countOf(const std::string& identity) const;
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  GateContext& gates_;
  size_t perIdentityMax_;
  // Each connection adds and removes itself.
  std::list<Connection*> connections_;
  kj::TaskSet tasks_;
};

}  // namespace nodeagent
