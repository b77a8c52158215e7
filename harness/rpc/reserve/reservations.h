// Reserves nodes, for plain blocking code (schema/reserve.capnp).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/reserve/reservation.h"

namespace harness::rpc {

// Calls end and throw as those of ControllerNode do. An agent that has no reservations is kind
// unsupported.
class Reservations {
 public:
  // Borrows `node`.
  explicit Reservations(ControllerNode& node) : node_(node) {}

  ReservationStatus status(SteadyTime until) const;

  enum class IfTaken { kRefused, kQueued };

  // Asks for the node. If others have it, the request is refused as kInfrastructure, or queued;
  // then this returns when its rank changes, after `wait` or 20 s at the latest.
  ReservationState reserve(const ReservationRequest& request, IfTaken ifTaken,
                           std::chrono::nanoseconds wait) const;

  // Lets a reservation of coverage kPerson last for this time from now, without the session.
  void makeStanding(const std::string& id, std::chrono::nanoseconds length, SteadyTime until) const;

  // Gives a reservation or a request back. False: it is not known. kDenied if it is another's.
  bool release(const std::string& id, SteadyTime until) const;

  // Ends anybody's, which takes the role admin.
  bool revoke(const std::string& id, const std::string& reason, SteadyTime until) const;

 private:
  ControllerNode& node_;
};

using StatusAnswer = std::variant<ReservationStatus, muster::NodeError>;

// Asks all nodes at once. There is one answer per node, in order.
std::vector<StatusAnswer> reservationsOnAll(const std::vector<ControllerNode*>& nodes,
                                            SteadyTime until);

// Returns 16 random bytes.
std::string newReservationId();

// Nodes that are reserved together: all or none.
class ReservedNodes {
 public:
  // Is called when one of the nodes has to be waited for, and when the rank changes.
  using Waiting = std::function<void(const std::string& node, const ReservationState& state)>;

  // Takes the nodes one after the other, in the order of their names and boot ids, whatever order
  // they are given in: two callers who want the same nodes never wait for each other. `wait` is for
  // all of them together, and none that was taken ends meanwhile because its time is over. Throws
  // NodeError if one cannot be had, when those that were taken have been given back. The nodes must
  // have been connected to.
  ReservedNodes(const std::vector<ControllerNode*>& nodes, const ReservationRequest& request,
                std::chrono::nanoseconds wait, const Waiting& waiting);

  // Gives back what is not standing.
  ~ReservedNodes();
  ReservedNodes(const ReservedNodes&) = delete;
  ReservedNodes& operator=(const ReservedNodes&) = delete;

  // Lets all of them last for the time of the request from now, without the sessions; also those
  // that the same person had reserved before. If one cannot, those that were taken are given back,
  // and it throws.
  void makeStanding();

  // Returns what has become of reservations since the last call: one entry per node that is not
  // reserved any more. Nodes that do not answer are left out. Takes half a second at most.
  std::vector<std::pair<std::string, ReservationEnd>> endedSince();

  // Returns the names of the nodes that an earlier reservation of ours covers.
  std::vector<std::string> covered() const;

  // Gives all back. Returns a sentence for each node where that failed.
  std::vector<std::string> release();

 private:
  void take(ControllerNode& node, SteadyTime until, const Waiting& waiting);

  const ReservationRequest request_;
  std::vector<ControllerNode*> held_;
  std::vector<ControllerNode*> covered_;
};

}  // namespace harness::rpc
