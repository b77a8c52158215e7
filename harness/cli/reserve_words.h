// The words for reservations on the command line: whose a node is, who waits, and who changes it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/table.h"
#include "harness/rpc/reserve/reservation.h"

namespace harness {

using NodeReservation = std::pair<std::string, ReservationStatus>;

// Asks the nodes of the first word, by default all. Takes kCluster and kConnectTimeout.
Answers<ReservationStatus> askReservations(const Arguments& arguments);

// A table with a head: a line for each reservation that is held or waits.
std::string reservationTable(const std::vector<NodeReservation>& nodes);

// Returns what the table shows as a list.
Json reservationsJson(const std::vector<NodeReservation>& nodes);

// Says who has reserved the node until when, who waits, and who changes it, in whole lines.
std::string whyText(const std::string& node, const ReservationStatus& status);

Json whyJson(const std::string& node, const ReservationStatus& status);

// Returns the id of a reservation in hexadecimal digits.
std::string hexOf(const std::string& id);

// Returns "2026-12-01 14:01:03 UTC".
std::string utcText(std::chrono::system_clock::time_point time);

}  // namespace harness
