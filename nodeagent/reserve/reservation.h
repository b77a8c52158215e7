// A reservation of the node or a request for it, and whose sessions it covers.
#pragma once

#include <stdint.h>

#include <string>

#include <kj/common.h>
#include <kj/string.h>

#include "nodeagent/session/session.h"
#include "schema/reserve.capnp.h"
#include "schema/support/base/id.h"

namespace nodeagent::reserve {

using Coverage = wire::Reservations::Coverage;
using How = wire::Ended::How;

constexpr int64_t kLengthDefaultNs = 3'600'000'000'000;
constexpr int64_t kLengthMinNs = 1'000'000'000;
constexpr int64_t kLengthMaxNs = 7 * 24 * kLengthDefaultNs;
constexpr size_t kReasonBytesMax = 256;

struct Reservation {
  support::Id id;
  kj::String identity;
  kj::String user;
  kj::String process;
  kj::String reason;
  Coverage coverage = Coverage::SESSION;
  int64_t lengthNs = kLengthDefaultNs;
  // When it was granted, or asked for while it waits.
  int64_t sinceRealtimeNs = 0;
  // 0: it waits.
  int64_t untilBoottimeNs = 0;
  // Null: it is standing.
  kj::Maybe<kj::Own<Session>> session;
  // Ends the reservation with the session.
  kj::Own<Session::Entry> entry;
  // When a waiting one was first seen without a connection. 0: it has one.
  int64_t absentBoottimeNs = 0;

  bool isStanding() const { return session == nullptr; }

  // Tells whether the session, which is no scope, may use the node by it.
  bool covers(const Session& other) const;

  // Tells whether the session acts for the same person.
  bool isOfPerson(const Session& other) const;

  // Returns "alice@build7 (operator:ci)", printable.
  kj::String owner() const;
};

// What remains of a reservation that has ended.
struct EndedReservation {
  support::Id id;
  kj::String identity;
  kj::String user;
  How how = How::UNSPECIFIED;
  kj::String by;
  kj::String reason;
  int64_t atRealtimeNs = 0;
};

// Returns the length that a request asks for: 0 means the default. Fails with kind invalid.
int64_t requireLength(int64_t lengthNs);

// Returns the person for whom the session acts: its label `user`, or else its identity.
kj::StringPtr userOf(const Session& session);

// Returns "2026-12-01 14:01:03 UTC".
kj::String timeText(int64_t realtimeNs);

}  // namespace nodeagent::reserve
