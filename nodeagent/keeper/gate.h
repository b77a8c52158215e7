// The entrance of the keeper: what a peer can call on a new connection, and what it is given after
// hello.
//
// Who the peer is was decided before, by the front, from certificate or socket; here that becomes a
// session and the capabilities of a role. Knows rooms only as factories: what each serves is its
// own business.
#pragma once

#include <stdint.h>

#include <kj/function.h>
#include <kj/string.h>
#include <kj/time.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/session/session.h"
#include "schema/agent.capnp.h"

namespace nodeagent {

// Whom the front takes the peer for.
struct PeerIdentity {
  kj::String identity;  // "operator:ci", "uid:0"
  wire::Role role = wire::Role::UNSPECIFIED;
  kj::String address;  // For the log.
};

// Makes a room's capability for one session. Null: this agent does not offer the room.
template <typename Client>
using RoomFactory = kj::Maybe<kj::Function<Client(Session&)>>;

struct Rooms {
  RoomFactory<wire::Jobs::Client> jobs;
  RoomFactory<wire::JobView::Client> jobView;
  RoomFactory<wire::Files::Client> files;
  RoomFactory<wire::FileView::Client> fileView;
  RoomFactory<wire::Services::Client> services;
  RoomFactory<wire::ServiceView::Client> serviceView;
  RoomFactory<wire::FactsView::Client> facts;
};

// What all gates of a keeper share; outlives them.
struct GateContext {
  SessionTable& sessions;
  const Clock& clock;
  kj::StringPtr nodeName;
  kj::StringPtr bootId;
  uint32_t jobsMax = 0;  // Limits.jobsMax
  Rooms rooms;
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
wire::Gate::Client makeGate(GateContext& context, PeerIdentity peer, GateListener& listener);

// Fills in what the role may hold; the one place where that is decided.
void grant(Rooms& rooms, Session& session, wire::Role role, wire::Grants::Builder grants);

}  // namespace nodeagent
