#include "harness/rpc/reserve/reservations.h"

#include <algorithm>
#include <tuple>

#include "harness/rpc/bytes.h"
#include "harness/rpc/node_calls.h"
#include "harness/rpc/reserve/reserve_wire.h"
#include "harness/values/failure_text.h"
#include "schema/reserve.capnp.h"
#include "schema/support/base/id.h"

namespace harness::rpc {
namespace {

using Nanoseconds = std::chrono::nanoseconds;
using StateKind = ReservationState::Kind;
using muster::NodeError;

// An agent holds a call back for this long at most.
constexpr std::chrono::seconds kPollMax{20};

// A node takes this long at most for an answer.
constexpr std::chrono::seconds kReservationAnswerMax{10};
constexpr std::chrono::milliseconds kLookMax{500};

// An agent grants no more.
constexpr std::chrono::hours kLengthMax{7 * 24};

Nanoseconds timeLeft(SteadyTime until) {
  return std::max<Nanoseconds>(until - std::chrono::steady_clock::now(), Nanoseconds(0));
}

SteadyTime answerBy() {
  return std::chrono::steady_clock::now() + kReservationAnswerMax;
}

Attempt<ReservationStatus> statusAttempt() {
  return [](EstablishedConnection& connection) {
    return connection.get<wire::ReservationView>().statusRequest().send().then([](auto&& response) {
      requireNoError(response);
      return readReservationStatus(response.getStatus());
    });
  };
}

Attempt<ReservationState> followAttempt(const std::string& id) {
  return [id](EstablishedConnection& connection) {
    auto request = connection.get<wire::Reservations>().followRequest();
    request.setId(dataOf(id));
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return readReservationState(response.getState());
    });
  };
}

Attempt<bool> releaseAttempt(const std::string& id) {
  return [id](EstablishedConnection& connection) {
    auto request = connection.get<wire::Reservations>().releaseRequest();
    request.setId(dataOf(id));
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getFound();
    });
  };
}

}  // namespace

ReservationStatus Reservations::status(SteadyTime until) const {
  return ask<ReservationStatus>(node_, "look at reservations", until, statusAttempt());
}

ReservationState Reservations::reserve(const ReservationRequest& wanted, IfTaken ifTaken,
                                       Nanoseconds wait) const {
  SteadyTime end = std::chrono::steady_clock::now() + std::min<Nanoseconds>(wait, kPollMax);
  return ask<ReservationState>(node_, "reserve", end + kReservationAnswerMax,
                               [wanted, end, ifTaken](EstablishedConnection& connection) {
                                 auto call = connection.get<wire::Reservations>().reserveRequest();
                                 auto request = call.initRequest();
                                 request.setId(dataOf(wanted.id));
                                 request.setReason(wanted.reason);
                                 request.setLengthNs(wanted.length.count());
                                 request.setCoverage(wanted.coverage == Coverage::kPerson
                                                         ? wire::Reservations::Coverage::PERSON
                                                         : wire::Reservations::Coverage::SESSION);
                                 request.setQueue(ifTaken == IfTaken::kQueued);
                                 call.setWaitNs(timeLeft(end).count());
                                 return call.send().then([](auto&& response) {
                                   requireNoError(response);
                                   return readReservationState(response.getState());
                                 });
                               });
}

void Reservations::makeStanding(const std::string& id, Nanoseconds length, SteadyTime until) const {
  ask<bool>(node_, "keep the reservation", until, [id, length](EstablishedConnection& connection) {
    auto request = connection.get<wire::Reservations>().makeStandingRequest();
    request.setId(dataOf(id));
    request.setLengthNs(length.count());
    return request.send().then(answered);
  });
}

bool Reservations::release(const std::string& id, SteadyTime until) const {
  return ask<bool>(node_, "give the node back", until, releaseAttempt(id));
}

bool Reservations::revoke(const std::string& id, const std::string& reason,
                          SteadyTime until) const {
  return ask<bool>(node_, "revoke the reservation", until,
                   [id, reason](EstablishedConnection& connection) {
                     auto request = connection.get<wire::ReservationControl>().revokeRequest();
                     request.setId(dataOf(id));
                     request.setReason(reason);
                     return request.send().then([](auto&& response) {
                       requireNoError(response);
                       return response.getFound();
                     });
                   });
}

std::vector<StatusAnswer> reservationsOnAll(const std::vector<ControllerNode*>& nodes,
                                            SteadyTime until) {
  return askAll<ReservationStatus>(
      nodes, "look at reservations", until, [until](ControllerNode::Impl& node) {
        return node.connection().call<ReservationStatus>(until, statusAttempt());
      });
}

std::string newReservationId() {
  support::Id id = support::Id::random();
  return std::string(id.bytes.begin(), id.bytes.end());
}

ReservedNodes::ReservedNodes(const std::vector<ControllerNode*>& nodes,
                             const ReservationRequest& request, Nanoseconds wait,
                             const Waiting& waiting)
    : request_(request) {
  std::vector<std::tuple<std::string, std::string, ControllerNode*>> ordered;
  for (ControllerNode* node : nodes) {
    ordered.emplace_back(node->description().name, node->state().bootId, node);
  }
  std::sort(ordered.begin(), ordered.end());
  SteadyTime until = std::chrono::steady_clock::now() + wait;
  try {
    for (auto& [name, bootId, node] : ordered) take(*node, until, waiting);
    for (auto& [name, end] : endedSince()) {
      throw NodeError(NodeError::Kind::kLost, name, "reserve", "the reservation " + toString(end));
    }
  } catch (...) {
    release();
    throw;
  }
}

ReservedNodes::~ReservedNodes() {
  release();
}

// It counts as held from the first call on, so that a request that waits is taken back as well.
void ReservedNodes::take(ControllerNode& node, SteadyTime until, const Waiting& waiting) {
  held_.push_back(&node);
  ReservationRequest request = request_;
  request.length = std::min<Nanoseconds>(request.length + timeLeft(until), kLengthMax);
  auto ifTaken = timeLeft(until) > Nanoseconds(0) ? Reservations::IfTaken::kQueued
                                                  : Reservations::IfTaken::kRefused;
  const std::string& name = node.description().name;
  // The first answer comes at once, so that a person is told for what they wait.
  auto state = Reservations(node).reserve(request, ifTaken, {});
  unsigned rank = 0;
  while (state.kind == StateKind::kWaiting && timeLeft(until) > Nanoseconds(0)) {
    if (state.rank != rank) waiting(name, state);
    rank = state.rank;
    state = Reservations(node).reserve(request, ifTaken, timeLeft(until));
  }
  switch (state.kind) {
    case StateKind::kWaiting:
      throw NodeError(NodeError::Kind::kTimeout, name, "reserve", "waited: " + state.waitsFor);
    case StateKind::kEnded:
      throw NodeError(NodeError::Kind::kLost, name, "reserve",
                      "the request " + toString(state.end));
    case StateKind::kHeld:
      break;
  }
  if (!state.isCovered) return;
  held_.pop_back();
  covered_.push_back(&node);
}

void ReservedNodes::makeStanding() {
  try {
    for (ControllerNode* node : held_) {
      Reservations(*node).makeStanding(request_.id, request_.length, answerBy());
    }
    for (ControllerNode* node : covered_) {
      Reservations reservations(*node);
      auto earlier = reservations.status(answerBy()).held;
      if (!earlier || !earlier->isStanding) continue;
      reservations.makeStanding(earlier->id, request_.length, answerBy());
    }
  } catch (const NodeError&) {
    release();
    throw;
  }
  held_.clear();
}

std::vector<std::string> ReservedNodes::covered() const {
  std::vector<std::string> names;
  for (ControllerNode* node : covered_) names.push_back(node->description().name);
  return names;
}

std::vector<std::pair<std::string, ReservationEnd>> ReservedNodes::endedSince() {
  std::vector<std::pair<std::string, ReservationEnd>> ended;
  auto until = std::chrono::steady_clock::now() + kLookMax;
  auto answers = askAll<ReservationState>(
      held_, "look at the reservation", until, [&](ControllerNode::Impl& node) {
        return node.connection().call<ReservationState>(until, followAttempt(request_.id));
      });
  std::vector<ControllerNode*> left;
  for (size_t i = 0; i < answers.size(); ++i) {
    auto* state = std::get_if<ReservationState>(&answers[i]);
    auto* error = std::get_if<NodeError>(&answers[i]);
    // A session that is new, as after a restart of the keeper, has no reservation.
    bool isGone = error != nullptr && error->kind() == NodeError::Kind::kNotFound;
    if (isGone || (state != nullptr && state->kind == StateKind::kEnded)) {
      ReservationEnd end = isGone ? ReservationEnd{} : state->end;
      if (isGone) end.how = ReservationEnd::How::kSessionEnded;
      ended.emplace_back(held_[i]->description().name, std::move(end));
    } else {
      left.push_back(held_[i]);
    }
  }
  held_ = std::move(left);
  return ended;
}

std::vector<std::string> ReservedNodes::release() {
  std::vector<std::string> failures;
  auto until = answerBy();
  try {
    auto answers = askAll<bool>(
        std::exchange(held_, {}), "give the node back", until, [&](ControllerNode::Impl& node) {
          return node.connection().call<bool>(until, releaseAttempt(request_.id));
        });
    for (auto& answer : answers) {
      if (auto* error = std::get_if<NodeError>(&answer)) failures.emplace_back(error->what());
    }
  } catch (const NodeError& error) {
    failures.emplace_back(error.what());
  }
  return failures;
}

}  // namespace harness::rpc
