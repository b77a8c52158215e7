// Serves the entrance of the keeper, which is all that a peer can call before hello. A hello turns
// the peer's identity into a session and the capabilities of its role.
//
// It does not authenticate the peer, because the front has done that from certificate or socket. It
// does not know the services whose capabilities it grants.
#pragma once

#include <stdint.h>

#include <kj/string.h>
#include <kj/time.h>

#include "nodeagent/keeper/service_set.h"
#include "nodeagent/link/preamble.h"
#include "nodeagent/os/clock.h"
#include "nodeagent/session/session.h"
#include "schema/agent.capnp.h"

namespace nodeagent {

// Holds the parts that all gates of a keeper share. It outlives the gates.
struct GateContext {
  SessionTable& sessions;
  const Clock& clock;
  kj::StringPtr nodeName;
  kj::StringPtr bootId;
  ServiceSet& services;
};

// Receives a gate's events for its connection.
class GateListener {
 public:
  static constexpr kj::Duration kSilenceDefault = 5 * kj::SECONDS;
  static constexpr kj::Duration kSilenceMin = 200 * kj::MILLISECONDS;
  static constexpr kj::Duration kSilenceMax = 3600 * kj::SECONDS;

  // hello has succeeded. From now on the peer may send large frames, every arrival renews the lease
  // of `session`, and the connection must end when nothing arrives for `silenceMax`.
  virtual void greeted(Session& session, kj::Duration silenceMax) = 0;
};

// Makes the gate of one connection. `context` and `listener` outlive it.
wire::Gate::Client makeGate(GateContext& context, Peer peer, GateListener& listener);

}  // namespace nodeagent
