#include "nodeagent/reserve/reservation_table.h"

#include <algorithm>

#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::reserve {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kSecondNs = 1'000'000'000;

kj::String lengthText(int64_t lengthNs) {
  int64_t seconds = (lengthNs + kSecondNs - 1) / kSecondNs;
  if (seconds < 120) return kj::str(seconds, " s");
  if (seconds < 2 * 3600) return kj::str(seconds / 60, " min");
  return kj::str(seconds / 3600, " h ", seconds / 60 % 60, " min");
}

// Returns "kvd_tests of alice@build7, process build7/4711/88123", printable.
kj::String userText(const Session& session) {
  auto printed = [](kj::StringPtr text) { return support::printable(text.cStr()); };
  auto program = labelOf(session.labels(), "program");
  auto process = labelOf(session.labels(), "process");
  return kj::str(program.size() == 0 ? "a program" : printed(program).c_str(), " of ",
                 printed(userOf(session)).c_str(), process.size() == 0 ? "" : ", process ",
                 printed(process).c_str());
}

void requireReason(kj::StringPtr reason) {
  bool isClean = reason.size() <= kReasonBytesMax;
  for (char c : reason) isClean = isClean && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (!isClean) {
    support::fail(Kind::INVALID, "reason: has control characters or over ", kReasonBytesMax,
                  " bytes");
  }
}

Reservation reservationOf(Session& session, Request request, int64_t nowRealtimeNs) {
  requireReason(request.reason);
  Reservation made;
  made.id = request.id;
  made.identity = kj::str(session.identity());
  made.user = kj::str(userOf(session));
  made.process = kj::str(labelOf(session.labels(), "process"));
  made.lengthNs = requireLength(request.lengthNs);
  made.reason = kj::mv(request.reason);
  made.coverage = request.coverage;
  made.sinceRealtimeNs = nowRealtimeNs;
  made.session = session.addRef();
  return made;
}

}  // namespace

ReservationTable::ReservationTable(const Clock& clock, NodeUse& use, TableListener& listener)
    : clock_(clock), use_(use), listener_(listener) {
  use_.obey(this);
}

ReservationTable::~ReservationTable() noexcept(false) {
  use_.obey(nullptr);
}

int64_t ReservationTable::leftNs(const Reservation& reservation) const {
  if (reservation.untilBoottimeNs == 0) return reservation.lengthNs;
  return std::max<int64_t>(reservation.untilBoottimeNs - clock_.boottimeNs(), 0);
}

kj::String ReservationTable::heldText(const Reservation& held) const {
  auto reason = held.reason.size() == 0
                    ? kj::str()
                    : kj::str(": \"", support::printable(held.reason.cStr()).c_str(), "\"");
  auto until = timeText(clock_.realtimeNs() + leftNs(held));
  return kj::str("the node is reserved by ", held.owner(), " since ",
                 timeText(held.sinceRealtimeNs),
                 held.isStanding() ? " until " : " while a command of theirs runs, at most until ",
                 until, reason);
}

// Says what keeps a request from being granted.
kj::String ReservationTable::waitText(const Reservation& waiting) const {
  KJ_IF_MAYBE (held, held_) return heldText(*held);
  if (!queue_.empty() && queue_.front().id != waiting.id) {
    return kj::str(queue_.front().owner(), " has asked for the node before");
  }
  for (auto& user : use_.users()) {
    if (waiting.covers(*user)) continue;
    return kj::str("it is in use by ", userText(*user), " since ",
                   timeText(user->beganRealtimeNs()));
  }
  return kj::str("its caller has no connection");
}

State ReservationTable::stateOf(const Reservation& reservation) const {
  if (reservation.untilBoottimeNs != 0) return HeldState{leftNs(reservation), false};
  auto at = std::find_if(queue_.begin(), queue_.end(),
                         [&](auto& each) { return each.id == reservation.id; });
  auto rank = static_cast<uint32_t>(at - queue_.begin()) + 1;
  return WaitingState{rank, waitText(reservation)};
}

kj::Maybe<Reservation&> ReservationTable::findAny(const support::Id& id) {
  KJ_IF_MAYBE (held, held_) {
    if (held->id == id) return *held;
  }
  for (Reservation& waiting : queue_) {
    if (waiting.id == id) return waiting;
  }
  return nullptr;
}

kj::Maybe<State> ReservationTable::find(Session& session, const support::Id& id) {
  settle();
  KJ_IF_MAYBE (known, findAny(id)) {
    if (known->covers(session)) return stateOf(*known);
    return nullptr;
  }
  for (EndedReservation& ended : ended_) {
    if (ended.id == id && ended.identity == session.identity()) return State(&ended);
  }
  return nullptr;
}

kj::Maybe<Reservation&> ReservationTable::findHeld(Session& session, const support::Id& id) {
  settle();
  KJ_IF_MAYBE (held, held_) {
    if (held->id == id && held->covers(session)) return *held;
  }
  return nullptr;
}

// A call that is sent twice finds what the first one has made. A request of a session that another
// reservation covers asks for nothing more, and would wait for itself.
State ReservationTable::reserve(Session& session, Request request) {
  session.requireAlive();
  settle();
  KJ_IF_MAYBE (known, findAny(request.id)) {
    bool isOwn = known->isStanding() && known->covers(session);
    KJ_IF_MAYBE (owner, known->session) isOwn = owner->get() == &session;
    if (isOwn) return stateOf(*known);
    support::fail(Kind::CONFLICT, "id: there is a reservation of this id, of another session");
  }
  for (EndedReservation& ended : ended_) {
    if (ended.id == request.id) return &ended;
  }
  KJ_IF_MAYBE (held, held_) {
    if (held->covers(session)) return HeldState{leftNs(*held), true};
  }
  auto ifTaken = request.ifTaken;
  auto made = reservationOf(session, kj::mv(request), clock_.realtimeNs());
  bool isFree = held_ == nullptr && queue_.empty() && isFreeFor(made);
  if (!isFree && ifTaken == Request::IfTaken::kRefused) {
    support::fail(Kind::RESERVED, waitText(made));
  }
  support::Id id = made.id;
  made.entry = session.addUndo(EndPhase::kTidy, kj::str("reservation of the node"),
                               [this, id]() -> kj::Promise<kj::Maybe<support::Failure>> {
                                 end(id, How::SESSION_ENDED);
                                 return kj::Maybe<support::Failure>(nullptr);
                               });
  if (isFree) {
    grant(kj::mv(made));
    return stateOf(KJ_ASSERT_NONNULL(held_));
  }
  enqueue(session, kj::mv(made));
  return stateOf(queue_.back());
}

// Two sessions that use the node and wait for each other's end would wait for ever. The second one
// is therefore refused.
void ReservationTable::enqueue(Session& session, Reservation reservation) {
  for (const Reservation& earlier : queue_) {
    if (!session.usesNode() || earlier.covers(session)) continue;
    support::fail(Kind::CONFLICT, "this session changes the node already, and ", earlier.owner(),
                  " waits for its end: reserve before the first change");
  }
  if (queue_.size() >= kWaitingMax) {
    support::fail(Kind::OVERLOADED, kWaitingMax, " requests wait for the node, which is its limit");
  }
  queue_.push_back(kj::mv(reservation));
  listener_.changed();
}

bool ReservationTable::isFreeFor(const Reservation& reservation) const {
  return std::all_of(use_.users().begin(), use_.users().end(),
                     [&](auto& user) { return reservation.covers(*user); });
}

void ReservationTable::grant(Reservation reservation) {
  reservation.sinceRealtimeNs = clock_.realtimeNs();
  reservation.untilBoottimeNs = clock_.boottimeNs() + reservation.lengthNs;
  support::log(support::Level::kInfo, "node reserved",
               {{"user", reservation.user},
                {"identity", reservation.identity},
                {"for", lengthText(reservation.lengthNs)},
                {"reason", reservation.reason}});
  held_ = kj::mv(reservation);
  listener_.changed();
}

void ReservationTable::makeStanding(Reservation& held, int64_t sinceRealtimeNs, int64_t lengthNs) {
  held.sinceRealtimeNs = sinceRealtimeNs;
  held.lengthNs = lengthNs;
  held.untilBoottimeNs = clock_.boottimeNs() + lengthNs;
  held.entry = nullptr;
  held.session = nullptr;
  held.process = kj::str();
}

void ReservationTable::restore(Reservation reservation) {
  int64_t leftNs = reservation.sinceRealtimeNs + reservation.lengthNs - clock_.realtimeNs();
  if (leftNs <= 0 || held_ != nullptr) return listener_.standingEnded(reservation.id);
  // A clock that was set back must not make it longer.
  leftNs = std::min(leftNs, reservation.lengthNs);
  reservation.untilBoottimeNs = clock_.boottimeNs() + leftNs;
  held_ = kj::mv(reservation);
}

void ReservationTable::note(const Reservation& reservation, How how, kj::StringPtr by,
                            kj::StringPtr reason) {
  support::log(support::Level::kInfo, "reservation ends",
               {{"user", reservation.user},
                {"identity", reservation.identity},
                {"how", static_cast<int>(how)},
                {"by", by},
                {"reason", reason}});
  ended_.push_front({reservation.id, kj::str(reservation.identity), kj::str(reservation.user), how,
                     kj::str(by), kj::str(reason), clock_.realtimeNs()});
  if (ended_.size() > kEndedMax) ended_.pop_back();
  if (reservation.isStanding()) listener_.standingEnded(reservation.id);
}

void ReservationTable::end(const support::Id& id, How how, kj::StringPtr by, kj::StringPtr reason) {
  bool isHeld = false;
  KJ_IF_MAYBE (held, held_) isHeld = held->id == id;
  if (isHeld) {
    note(KJ_ASSERT_NONNULL(held_), how, by, reason);
    held_ = nullptr;
  } else {
    auto found =
        std::find_if(queue_.begin(), queue_.end(), [&](auto& waiting) { return waiting.id == id; });
    if (found == queue_.end()) return;
    note(*found, how, by, reason);
    queue_.erase(found);
  }
  listener_.changed();
  settle();
}

void ReservationTable::settle() {
  KJ_IF_MAYBE (held, held_) {
    if (leftNs(*held) == 0) {
      note(*held, How::EXPIRED, "", "");
      held_ = nullptr;
      listener_.changed();
    }
  }
  dropAbsent();
  while (promote()) {
  }
}

// One that has just lost its connection keeps its place for a moment, because its caller may be
// about to come back.
void ReservationTable::dropAbsent() {
  int64_t now = clock_.boottimeNs();
  size_t before = queue_.size();
  for (size_t i = 0; i < queue_.size();) {
    Reservation& waiting = queue_[i];
    bool isAbsent = !KJ_ASSERT_NONNULL(waiting.session)->hasContact();
    if (!isAbsent) waiting.absentBoottimeNs = 0;
    if (isAbsent && waiting.absentBoottimeNs == 0) waiting.absentBoottimeNs = now;
    if (isAbsent && now - waiting.absentBoottimeNs >= kAbsenceMaxNs) {
      note(waiting, How::SESSION_ENDED, "", "");
      queue_.erase(queue_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  if (queue_.size() != before) listener_.changed();
}

// Grants the node to the first that waits. Returns whether it did.
bool ReservationTable::promote() {
  if (held_ != nullptr || queue_.empty()) return false;
  Reservation& next = queue_.front();
  if (next.absentBoottimeNs != 0 || !isFreeFor(next)) return false;
  Reservation granted = kj::mv(next);
  queue_.pop_front();
  grant(kj::mv(granted));
  return true;
}

void ReservationTable::requireMayUse(Session& session) {
  settle();
  KJ_IF_MAYBE (held, held_) {
    if (held->covers(session)) return;
    support::fail(Kind::RESERVED, heldText(*held),
                  "; calls of others that change it are refused meanwhile: see muster why, and "
                  "muster reserve --wait");
  }
  if (queue_.empty() || queue_.front().covers(session)) return;
  support::fail(Kind::RESERVED, queue_.front().owner(),
                " waits to reserve the node, and is the next as soon as those have ended that use "
                "it already: see muster why, and muster reserve --wait");
}

}  // namespace nodeagent::reserve
