// What a node knows of its reservations, as values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace harness {

// A reservation that is held, or a request for one that waits.
struct Reservation {
  // 16 bytes.
  std::string id;
  std::string identity;

  // The person, such as alice@build7.
  std::string user;

  // The process whose end ends it (harness/os/process_mark.h). Empty if it is standing.
  std::string process;
  std::string reason;

  // When it was granted; when it was asked for if it waits.
  std::chrono::system_clock::time_point since;
  std::chrono::nanoseconds left{0};
  bool isStanding = false;

  // We may use the node by it.
  bool coversUs = false;
};

// A session that has begun to change the node.
struct NodeUser {
  std::string identity;
  std::string user;
  std::string program;
  std::string process;
  std::string run;
  std::chrono::system_clock::time_point began;

  // False: its lease runs out, or its changes are being undone.
  bool isConnected = false;
  std::chrono::nanoseconds leaseLeft{0};
};

struct ReservationEnd {
  enum class How { kUnknown, kReleased, kExpired, kRevoked, kSessionEnded };

  std::string id;
  std::string user;
  How how = How::kUnknown;

  // Who revoked it, and why.
  std::string by;
  std::string reason;
  std::chrono::system_clock::time_point at;
};

struct ReservationStatus {
  std::optional<Reservation> held;

  // In the order in which they are served.
  std::vector<Reservation> waiting;
  std::vector<NodeUser> users;

  // The last ones, the newest first.
  std::vector<ReservationEnd> ended;
};

// Whose sessions may use the node.
enum class Coverage {
  // The session, and what carries the reservation's id.
  kSession,
  // Every session of the same person.
  kPerson,
};

struct ReservationRequest {
  // 16 random bytes, for all nodes that are reserved together.
  std::string id;
  std::string reason;
  std::chrono::nanoseconds length = std::chrono::hours(1);
  Coverage coverage = Coverage::kSession;
};

struct ReservationState {
  enum class Kind { kHeld, kWaiting, kEnded };
  Kind kind = Kind::kHeld;

  // The time that is left of one that is held.
  std::chrono::nanoseconds left{0};

  // It is held by an earlier reservation of ours, to which nothing was added.
  bool isCovered = false;

  // The rank from 1 of one that waits, and for what it waits.
  unsigned rank = 0;
  std::string waitsFor;

  ReservationEnd end;
};

// Returns "has expired", "was revoked by root@build7: the rack is needed".
std::string toString(const ReservationEnd& end);

}  // namespace harness
