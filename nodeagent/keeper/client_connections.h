// The keeper's side of the clients' connections: serves each over the stream that the front relays,
// keeps its session's lease alive while it speaks, and ends it when it is silent for too long. Does
// not know where streams come from (keeper.h does).
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

  // Serves the client at the other end of `stream`, which begins with a preamble (link.h), until it
  // is gone.
  void serve(kj::Own<kj::AsyncIoStream> stream);

  size_t count() const { return connections_.size(); }

 private:
  class Connection;

  size_t countOf(const std::string& identity) const;
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  GateContext& gates_;
  size_t perIdentityMax_;
  std::list<Connection*> connections_;  // Each takes itself out.
  kj::TaskSet tasks_;
};

}  // namespace nodeagent
