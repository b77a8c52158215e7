// The labels by which a node knows whose a session is, and under which reservation it stands
// (nodeagent/reserve).
#pragma once

#include <string>

namespace harness {

// Holds the ids of the reservations under which everything stands that a program starts, divided by
// commas. `muster reserve` sets it for its command.
inline constexpr char kReservationVariable[] = "MUSTER_RESERVATION";
inline constexpr char kReservationLabel[] = "reservation";

// The label with the person for whom a session acts (harness/os/current_user.h).
inline constexpr char kUserLabel[] = "user";

// Returns $MUSTER_RESERVATION. Empty: there is none.
std::string inheritedReservations();

// Returns $MUSTER_RESERVATION with one more id. Empty: there are as many as a label can hold.
std::string withReservation(const std::string& inherited, const std::string& hexId);

}  // namespace harness
