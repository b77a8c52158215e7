@0xb49d6a2e454fb7d9;
# Reserves the node for one person, or for one session and what it starts. Meanwhile calls of others that change the
# node answer error reserved; what only reads goes on. docs/reference/reservations.md says who counts as whom.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface ReservationView $Common.least(observer) {
  status @0 () -> (status :ReservationStatus, error :Common.Error);
}

interface Reservations extends(ReservationView) $Common.least(operator) {
  reserve @0 (request :Request, waitNs :Int64) -> (state :State, error :Common.Error);
  # Asks for the node, or how such a request stands. A request that has to wait is queued; then the call answers when
  # that has changed, after waitNs at the latest (at most 20 s). A queued request leaves the queue when its session ends
  # or has been without a connection for 5 s. What was reserved lasts as long as the session, unless makeStanding is
  # called. Errors: reserved (it must wait, and is not to be queued), conflict (the id is another session's; or the
  # session uses the node, and somebody waits already who waits for its end), overloaded (64 requests wait), invalid.

  follow @1 (id :Data, waitNs :Int64) -> (state :State, error :Common.Error);
  # Answers when a reservation that the caller holds has ended, after waitNs at the latest (at most 20 s). Errors:
  # notFound, invalid.

  makeStanding @2 (id :Data, lengthNs :Int64) -> (state :State, error :Common.Error);
  # Makes a reservation of coverage `person`, which the caller holds, last for lengthNs (as in Request) from now,
  # whatever becomes of the session and of the agent. It may be called again, for more time. Errors: notFound, invalid,
  # denied, system (it could not be kept on disk).

  release @3 (id :Data) -> (found :Bool, error :Common.Error);
  # Ends a reservation or takes a request back: of the session, or of the same person. Errors: denied (it is another
  # person's), invalid, system.

  struct Request {
    id @0 :Data;           # 16 random bytes that the caller chose, for all nodes that it reserves together.
    reason @1 :Text;       # For people, at most 256 bytes without control characters. Empty: none was given.
    lengthNs @2 :Int64;    # The time from when it is granted. From 1 s to 7 days; 0: 1 h.
    coverage @3 :Coverage;
    queue @4 :Bool;        # It may wait for others.
  }

  enum Coverage {
    session @0;   # For the session, and those that carry the id in their label `reservation`.
    person @1;    # For all sessions of the same identity and label `user`.
  }

  struct State {
    union {
      held @0 :Held;
      waiting @1 :Waiting;
      ended @2 :Ended;
    }
  }

  struct Held {
    leftNs @0 :Int64;
    covered @1 :Bool;
    # The caller may use the node by an earlier reservation, whose time this is. Nothing was added to it.
  }

  struct Waiting {
    rank @0 :UInt32;    # 1: it is the next.
    reason @1 :Text;    # Says for what it waits.
  }
}

interface ReservationControl $Common.least(admin) {
  revoke @0 (id :Data, reason :Text) -> (found :Bool, error :Common.Error);
  # Ends anybody's reservation or request, whose holder is told. Errors: invalid, system.
}

struct ReservationStatus {
  held @0 :Reservation;             # Null: the node is not reserved.
  waiting @1 :List(Reservation);    # In order.
  users @2 :List(NodeUser);         # The sessions that have begun to change the node.
  ended @3 :List(Ended);            # The last 8, the newest first.
}

struct Reservation {
  id @0 :Data;
  identity @1 :Text;
  user @2 :Text;            # The label of that name, such as alice@build7; the identity if there is none.
  process @3 :Text;         # The label of that name. Empty for a standing one.
  reason @4 :Text;
  sinceRealtimeNs @5 :Int64;  # When it was granted, or asked for if it waits.
  leftNs @6 :Int64;         # The time until it ends. The whole time if it waits.
  standing @7 :Bool;        # It does not end with a session.
  covers @8 :Bool;          # The caller may use the node by it.
}

struct NodeUser {
  identity @0 :Text;
  user @1 :Text;
  program @2 :Text;         # The labels of these names; empty: none.
  process @3 :Text;
  run @4 :Text;
  beganRealtimeNs @5 :Int64;
  connected @6 :Bool;       # False: its lease runs out, or its changes are being undone.
  leaseLeftNs @7 :Int64;
}

struct Ended {
  id @0 :Data;
  user @1 :Text;
  how @2 :How;
  by @3 :Text;              # Who revoked it.
  reason @4 :Text;          # Why it was revoked.
  atRealtimeNs @5 :Int64;

  enum How {
    unspecified @0;
    released @1;
    expired @2;
    revoked @3;
    sessionEnded @4;        # With its session, or because its queued request was without a connection.
  }
}
