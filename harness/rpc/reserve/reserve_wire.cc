#include "harness/rpc/reserve/reserve_wire.h"

#include "harness/rpc/bytes.h"

namespace harness {

std::string toString(const ReservationEnd& end) {
  switch (end.how) {
    case ReservationEnd::How::kReleased:
      return "was given back";
    case ReservationEnd::How::kExpired:
      return "has expired";
    case ReservationEnd::How::kRevoked:
      return "was revoked by " + end.by + (end.reason.empty() ? "" : ": " + end.reason);
    case ReservationEnd::How::kSessionEnded:
      return "ended when its session on the node was gone";
    case ReservationEnd::How::kUnknown:
      break;
  }
  return "has ended";
}

namespace rpc {
namespace {

using std::chrono::nanoseconds;

ReservationEnd::How howOf(wire::Ended::How how) {
  switch (how) {
    case wire::Ended::How::RELEASED:
      return ReservationEnd::How::kReleased;
    case wire::Ended::How::EXPIRED:
      return ReservationEnd::How::kExpired;
    case wire::Ended::How::REVOKED:
      return ReservationEnd::How::kRevoked;
    case wire::Ended::How::SESSION_ENDED:
      return ReservationEnd::How::kSessionEnded;
    case wire::Ended::How::UNSPECIFIED:
      break;
  }
  return ReservationEnd::How::kUnknown;
}

ReservationEnd readEnd(wire::Ended::Reader from) {
  ReservationEnd end;
  end.id = stringOf(from.getId());
  end.user = stringOf(from.getUser());
  end.how = howOf(from.getHow());
  end.by = stringOf(from.getBy());
  end.reason = stringOf(from.getReason());
  end.at = realtimeOf(from.getAtRealtimeNs());
  return end;
}

Reservation readReservation(wire::Reservation::Reader from) {
  Reservation reservation;
  reservation.id = stringOf(from.getId());
  reservation.identity = stringOf(from.getIdentity());
  reservation.user = stringOf(from.getUser());
  reservation.process = stringOf(from.getProcess());
  reservation.reason = stringOf(from.getReason());
  reservation.since = realtimeOf(from.getSinceRealtimeNs());
  reservation.left = nanoseconds(from.getLeftNs());
  reservation.isStanding = from.getStanding();
  reservation.coversUs = from.getCovers();
  return reservation;
}

NodeUser readUser(wire::NodeUser::Reader from) {
  NodeUser user;
  user.identity = stringOf(from.getIdentity());
  user.user = stringOf(from.getUser());
  user.program = stringOf(from.getProgram());
  user.process = stringOf(from.getProcess());
  user.run = stringOf(from.getRun());
  user.began = realtimeOf(from.getBeganRealtimeNs());
  user.isConnected = from.getConnected();
  user.leaseLeft = nanoseconds(from.getLeaseLeftNs());
  return user;
}

}  // namespace

ReservationStatus readReservationStatus(wire::ReservationStatus::Reader from) {
  ReservationStatus status;
  if (from.hasHeld()) status.held = readReservation(from.getHeld());
  for (auto each : from.getWaiting()) status.waiting.push_back(readReservation(each));
  for (auto each : from.getUsers()) status.users.push_back(readUser(each));
  for (auto each : from.getEnded()) status.ended.push_back(readEnd(each));
  return status;
}

ReservationState readReservationState(wire::Reservations::State::Reader from) {
  ReservationState state;
  switch (from.which()) {
    case wire::Reservations::State::HELD:
      state.left = nanoseconds(from.getHeld().getLeftNs());
      state.isCovered = from.getHeld().getCovered();
      break;
    case wire::Reservations::State::WAITING:
      state.kind = ReservationState::Kind::kWaiting;
      state.rank = from.getWaiting().getRank();
      state.waitsFor = stringOf(from.getWaiting().getReason());
      break;
    case wire::Reservations::State::ENDED:
      state.kind = ReservationState::Kind::kEnded;
      state.end = readEnd(from.getEnded());
      break;
  }
  return state;
}

}  // namespace rpc
}  // namespace harness
