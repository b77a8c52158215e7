// The entrance of the keeper: what a peer can call on a new connection, and what it is given after
// hello.
//
// Who the peer is was decided before, by the front, from certificate or socket; here that becomes a
// session and the capabilities of a role. Knows nothing of the services that give them.
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

// What all gates of a keeper share; outlives them.
struct GateContext {
  SessionTable& sessions;
  const Clock& clock;
  kj::StringPtr nodeName;
  kj::StringPtr bootId;
  ServiceSet& services;
};

// The connection that a gate serves, told of what concerns it.
class GateListener {
 public:
  static constexpr kj::Duration kSilenceDefault = 5 * kj::SECONDS;
  static constexpr kj::Duration kSilenceMin = 200 * kj::MILLISECONDS;
  static constexpr kj::Duration kSilenceMax = 3600 * kj::SECONDS;

  // hello has succeeded: the peer may send large frames, what arrives from it renews the session's
  // lease, and it is to be cut off when nothing came from it for `silenceMax`.
  virtual void greeted(Session& session, kj::Duration silenceMax) = 0;
};

// For one connection. `context` and `listener` outlive it.
wire::Gate::Client makeGate(GateContext& context, Peer peer, GateListener& listener);

}  // namespace nodeagent
