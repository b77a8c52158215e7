// Reads reservations from messages.
#pragma once

#include "harness/rpc/reserve/reservation.h"
#include "schema/reserve.capnp.h"

namespace harness::rpc {

ReservationStatus readReservationStatus(wire::ReservationStatus::Reader status);

ReservationState readReservationState(wire::Reservations::State::Reader state);

}  // namespace harness::rpc
