// Decides whose the node is: the reservation that is held, the queue of those that wait, and the
// last that have ended. It asks the clock and the sessions, and does no input or output.
//
// A session that uses the node already (nodeagent/session/node_use.h) is not disturbed: a
// reservation is granted when every such session that it does not cover has ended. From the moment
// when a request waits, others may not begin to use the node, so that it is not starved.
#pragma once

#include <stdint.h>

#include <deque>

#include <kj/common.h>
#include <kj/one-of.h>
#include <kj/string.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/reserve/reservation.h"
#include "nodeagent/session/node_use.h"
#include "nodeagent/session/session.h"

namespace nodeagent::reserve {

struct Request {
  support::Id id;
  kj::String reason;
  // 0: the default.
  int64_t lengthNs = 0;
  Coverage coverage = Coverage::SESSION;
  enum class IfTaken { kRefused, kQueued } ifTaken = IfTaken::kRefused;
};

struct HeldState {
  int64_t leftNs = 0;
  // The session was covered by an earlier reservation.
  bool isCovered = false;
};
struct WaitingState {
  // From 1.
  uint32_t rank = 0;
  kj::String reason;
};
using State = kj::OneOf<HeldState, WaitingState, EndedReservation*>;

class TableListener {
 public:
  // The state of a reservation or of a request has changed.
  virtual void changed() = 0;

  // A standing reservation has ended.
  virtual void standingEnded(const support::Id& id) = 0;

 protected:
  ~TableListener() = default;
};

// Belongs to the keeper's thread.
class ReservationTable final : public UseRule {
 public:
  static constexpr size_t kWaitingMax = 64;
  static constexpr size_t kEndedMax = 8;
  static constexpr int64_t kAbsenceMaxNs = 5'000'000'000;

  // Borrows all. Becomes the rule of `use`.
  ReservationTable(const Clock& clock, NodeUse& use, TableListener& listener);
  ~ReservationTable() noexcept(false);
  KJ_DISALLOW_COPY(ReservationTable);

  // Does what Reservations.reserve says, without waiting. An ended state is valid until the next
  // call. `session` is no scope, here and below.
  State reserve(Session& session, Request request);

  // Returns how a reservation or request of the session stands. Null: it is not known.
  kj::Maybe<State> find(Session& session, const support::Id& id);

  // Returns the held reservation if it has this id and is of the session. Null: it is not.
  kj::Maybe<Reservation&> findHeld(Session& session, const support::Id& id);

  // Lets the held reservation last without its session, for this time from `sinceRealtimeNs`, which
  // is about now.
  void makeStanding(Reservation& held, int64_t sinceRealtimeNs, int64_t lengthNs);

  // Adds a standing reservation of an earlier keeper. One whose time is over is passed over.
  void restore(Reservation reservation);

  // Returns the reservation or request of this id, which may be anybody's.
  kj::Maybe<Reservation&> findAny(const support::Id& id);

  // Ends it. Unknown ids are passed over. `by` and `reason` are of a revocation.
  void end(const support::Id& id, How how, kj::StringPtr by = "", kj::StringPtr reason = "");

  // Does what time and the ends of sessions ask for.
  void settle();

  // Tells whether settle() has nothing to do until somebody reserves.
  bool isIdle() const { return held_ == nullptr && queue_.empty(); }

  kj::Maybe<const Reservation&> held() const {
    return held_.map([](const Reservation& held) -> const Reservation& { return held; });
  }
  const std::deque<Reservation>& queue() const { return queue_; }
  // The newest first.
  const std::deque<EndedReservation>& ended() const { return ended_; }
  int64_t leftNs(const Reservation& reservation) const;

  void requireMayUse(Session& session) override;
  void noteLeft() override { settle(); }

 private:
  bool isFreeFor(const Reservation& reservation) const;
  void grant(Reservation reservation);
  void enqueue(Session& session, Reservation reservation);
  void dropAbsent();
  bool promote();
  void note(const Reservation& reservation, How how, kj::StringPtr by, kj::StringPtr reason);
  State stateOf(const Reservation& reservation) const;
  kj::String heldText(const Reservation& held) const;
  kj::String waitText(const Reservation& waiting) const;

  const Clock& clock_;
  NodeUse& use_;
  TableListener& listener_;
  kj::Maybe<Reservation> held_;
  std::deque<Reservation> queue_;
  std::deque<EndedReservation> ended_;
};

}  // namespace nodeagent::reserve
