#include "nodeagent/reserve/reservations_server.h"

#include <algorithm>

#include <kj/debug.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::reserve {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kWaitMaxNs = 20'000'000'000;
constexpr kj::Duration kSettleEvery = 1 * kj::SECONDS;

support::Id idOf(capnp::Data::Reader id) {
  if (!support::Id::fits(id)) {
    support::fail(Kind::INVALID, "id: ", id.size(), " bytes given, wanted 16");
  }
  return support::Id::from(id);
}

kj::Duration waitOf(int64_t waitNs) {
  if (waitNs < 0 || waitNs > kWaitMaxNs) {
    support::fail(Kind::INVALID, "waitNs: ", waitNs, " is not between 0 and 20 s");
  }
  return waitNs * kj::NANOSECONDS;
}

Request requestOf(wire::Reservations::Request::Reader from) {
  Request request;
  request.id = idOf(from.getId());
  request.reason = kj::str(from.getReason());
  request.lengthNs = from.getLengthNs();
  request.coverage = from.getCoverage();
  if (request.coverage > Coverage::PERSON) {
    support::fail(Kind::INVALID, "coverage: not known to this agent");
  }
  if (from.getQueue()) request.ifTaken = Request::IfTaken::kQueued;
  return request;
}

void writeEnded(wire::Ended::Builder to, const EndedReservation& ended) {
  to.setId(ended.id.data());
  to.setUser(ended.user);
  to.setHow(ended.how);
  to.setBy(ended.by);
  to.setReason(ended.reason);
  to.setAtRealtimeNs(ended.atRealtimeNs);
}

void writeState(wire::Reservations::State::Builder to, const State& state) {
  if (state.is<HeldState>()) {
    auto held = to.initHeld();
    held.setLeftNs(state.get<HeldState>().leftNs);
    held.setCovered(state.get<HeldState>().isCovered);
  } else if (state.is<WaitingState>()) {
    auto waiting = to.initWaiting();
    waiting.setRank(state.get<WaitingState>().rank);
    waiting.setReason(state.get<WaitingState>().reason);
  } else {
    writeEnded(to.initEnded(), *state.get<EndedReservation*>());
  }
}

void writeReservation(const ReservationTable& table, const Session& session,
                      wire::Reservation::Builder to, const Reservation& from) {
  to.setId(from.id.data());
  to.setIdentity(from.identity);
  to.setUser(from.user);
  to.setProcess(from.process);
  to.setReason(from.reason);
  to.setSinceRealtimeNs(from.sinceRealtimeNs);
  to.setLeftNs(table.leftNs(from));
  to.setStanding(from.isStanding());
  to.setCovers(from.covers(session));
}

void writeUser(const Clock& clock, wire::NodeUser::Builder to, const Session& user) {
  to.setIdentity(user.identity());
  to.setUser(userOf(user));
  to.setProgram(labelOf(user.labels(), "program"));
  to.setProcess(labelOf(user.labels(), "process"));
  to.setRun(labelOf(user.labels(), "run"));
  to.setBeganRealtimeNs(user.beganRealtimeNs());
  to.setConnected(user.hasContact() && !user.ending());
  to.setLeaseLeftNs(std::max<int64_t>(user.leaseEndsBoottimeNs() - clock.boottimeNs(), 0));
}

State requireKnown(kj::Maybe<State> state, const support::Id& id) {
  KJ_IF_MAYBE (known, state) return kj::mv(*known);
  support::fail(Kind::NOT_FOUND, "reservation ", id.text().c_str(), ": the caller has none such");
}

Reservation& requireHeld(ReservationTable& table, Session& session, const support::Id& id) {
  KJ_IF_MAYBE (held, table.findHeld(session, id)) return *held;
  support::fail(Kind::NOT_FOUND, "reservation ", id.text().c_str(),
                ": the caller does not hold it");
}

}  // namespace

NodeReservations::NodeReservations(ServiceHost& host)
    : host_(host),
      worker_(host.platform.makeWorker(1)),
      journal_(kj::atomicRefcounted<ReservationJournal>(
          host.stateDirectory.size() == 0 ? kj::String()
                                          : kj::str(host.stateDirectory, "/reservations"))),
      table_(host.platform.clock(), host.use, *this) {
  for (auto& reservation : journal_->read()) table_.restore(kj::mv(reservation));
  changed();
}

void NodeReservations::changed() {
  signal_.notify();
  if (isWatching_ || table_.isIdle()) return;
  isWatching_ = true;
  // The promise that may be running this is not replaced from within.
  watching_ = kj::evalLater([this]() { return watch(); }).eagerlyEvaluate(nullptr);
}

kj::Promise<void> NodeReservations::watch() {
  return host_.timer.afterDelay(kSettleEvery).then([this]() -> kj::Promise<void> {
    table_.settle();
    if (!table_.isIdle()) return watch();
    isWatching_ = false;
    return kj::READY_NOW;
  });
}

void NodeReservations::standingEnded(const support::Id& id) {
  worker_->start([journal = kj::atomicAddRef(*journal_), id]() { journal->drop(id); });
}

kj::Promise<void> NodeReservations::nextChange(kj::Duration limit) {
  return signal_.next(host_.timer, limit / kj::NANOSECONDS);
}

kj::Promise<void> NodeReservations::record(const Session& session, std::string_view operation,
                                           support::Fields fields) {
  KJ_IF_MAYBE (wait, host_.audit.record(session, operation, fields)) return kj::mv(*wait);
  return kj::READY_NOW;
}

kj::Promise<void> NodeReservations::keep(const Session& session, const Reservation& reservation,
                                         int64_t sinceRealtimeNs, int64_t lengthNs) {
  auto line = host_.audit.line(session, "reservations.makeStanding",
                               {{"reservation", reservation.id.text()}, {"lengthNs", lengthNs}});
  auto write = [journal = kj::atomicAddRef(*journal_), id = reservation.id,
                lines = ReservationJournal::linesOf(reservation, sinceRealtimeNs, lengthNs)]() {
    journal->write(id, lines);
  };
  return worker_->run(audited(kj::mv(line), kj::mv(write)));
}

kj::Promise<void> NodeReservations::drop(const Session& session, std::string_view operation,
                                         const support::Id& id, kj::StringPtr reason) {
  auto line =
      host_.audit.line(session, operation, {{"reservation", id.text()}, {"reason", reason}});
  auto remove = [journal = kj::atomicAddRef(*journal_), id]() { journal->drop(id); };
  return worker_->run(audited(kj::mv(line), kj::mv(remove)));
}

void writeStatus(NodeReservations& node, const Session& session,
                 wire::ReservationStatus::Builder status) {
  ReservationTable& table = node.table();
  table.settle();
  KJ_IF_MAYBE (held, table.held()) {
    writeReservation(table, session, status.initHeld(), *held);
  }
  auto waiting = status.initWaiting(static_cast<uint32_t>(table.queue().size()));
  for (uint32_t i = 0; i < waiting.size(); ++i) {
    writeReservation(table, session, waiting[i], table.queue()[i]);
  }
  auto users = status.initUsers(static_cast<uint32_t>(node.use().users().size()));
  for (uint32_t i = 0; i < users.size(); ++i) {
    writeUser(node.clock(), users[i], *node.use().users()[i]);
  }
  auto ended = status.initEnded(static_cast<uint32_t>(table.ended().size()));
  for (uint32_t i = 0; i < ended.size(); ++i) writeEnded(ended[i], table.ended()[i]);
}

kj::Promise<void> ReservationViewServer::status(StatusContext context) {
  return support::answer(context, "reservations.status", [this, context]() mutable {
    writeStatus(node(), session(), context.getResults().initStatus());
  });
}

kj::Promise<void> ReservationsServer::reserve(ReserveContext context) {
  auto answered = support::answer(context, "reservations.reserve", [this, context]() mutable {
    session().requireAlive();
    auto params = context.getParams();
    auto request = requestOf(params.getRequest());
    auto end = node().timer().now() + waitOf(params.getWaitNs());
    kj::Promise<void> recorded = kj::READY_NOW;
    if (node().table().find(session(), request.id) == nullptr) {
      recorded = node().record(session(), "reservations.reserve",
                               {{"reservation", request.id.text()},
                                {"user", userOf(session())},
                                {"reason", request.reason},
                                {"lengthNs", request.lengthNs}});
    }
    return recorded.then([this, context, end]() mutable { return answerReserve(context, end); });
  });
  context.allowCancellation();
  return answered;
}

kj::Promise<void> ReservationsServer::answerReserve(ReserveContext context, kj::TimePoint end) {
  auto state = node().table().reserve(session(), requestOf(context.getParams().getRequest()));
  auto left = end - node().timer().now();
  if (!state.is<WaitingState>() || left <= 0 * kj::NANOSECONDS) {
    writeState(context.getResults().initState(), state);
    return kj::READY_NOW;
  }
  uint32_t rank = state.get<WaitingState>().rank;
  return node().nextChange(left).then([this, context, end, rank]() mutable -> kj::Promise<void> {
    auto now = node().table().reserve(session(), requestOf(context.getParams().getRequest()));
    bool isSame = now.is<WaitingState>() && now.get<WaitingState>().rank == rank;
    if (isSame && node().timer().now() < end) return answerReserve(context, end);
    writeState(context.getResults().initState(), now);
    return kj::READY_NOW;
  });
}

kj::Promise<void> ReservationsServer::follow(FollowContext context) {
  auto answered = support::answer(context, "reservations.follow", [this, context]() mutable {
    auto end = node().timer().now() + waitOf(context.getParams().getWaitNs());
    return answerFollow(context, end);
  });
  context.allowCancellation();
  return answered;
}

kj::Promise<void> ReservationsServer::answerFollow(FollowContext context, kj::TimePoint end) {
  auto id = idOf(context.getParams().getId());
  auto state = requireKnown(node().table().find(session(), id), id);
  auto left = end - node().timer().now();
  if (!state.is<HeldState>() || left <= 0 * kj::NANOSECONDS) {
    writeState(context.getResults().initState(), state);
    return kj::READY_NOW;
  }
  return node().nextChange(left).then(
      [this, context, end]() mutable { return answerFollow(context, end); });
}

// The reservation may end while the disk takes its time. What the disk has of it is removed then.
kj::Promise<void> ReservationsServer::makeStanding(MakeStandingContext context) {
  return support::answer(context, "reservations.makeStanding", [this, context]() mutable {
    session().requireAlive();
    auto id = idOf(context.getParams().getId());
    Reservation& held = requireHeld(node().table(), session(), id);
    if (held.coverage != Coverage::PERSON) {
      support::fail(Kind::DENIED, "reservation ", id.text().c_str(),
                    ": is one of a session, and ends with it");
    }
    int64_t since = node().clock().realtimeNs();
    int64_t length = requireLength(context.getParams().getLengthNs());
    auto kept = node().keep(session(), held, since, length);
    return kept.then([this, context, id, since, length]() mutable -> kj::Promise<void> {
      KJ_IF_MAYBE (still, node().table().findHeld(session(), id)) {
        node().table().makeStanding(*still, since, length);
        writeState(context.getResults().initState(),
                   requireKnown(node().table().find(session(), id), id));
        return kj::READY_NOW;
      }
      return node().drop(session(), "reservations.release", id, "it ended meanwhile").then([id]() {
        support::fail(Kind::NOT_FOUND, "reservation ", id.text().c_str(), ": has ended");
      });
    });
  });
}

kj::Promise<void> ReservationsServer::release(ReleaseContext context) {
  return support::answer(
      context, "reservations.release", [this, context]() mutable -> kj::Promise<void> {
        auto id = idOf(context.getParams().getId());
        KJ_IF_MAYBE (known, node().table().findAny(id)) {
          if (!known->covers(session()) && !known->isOfPerson(session())) {
            support::fail(Kind::DENIED, "the reservation is of ", known->owner(),
                          ": only they may give it back, or an admin may revoke it");
          }
          context.getResults().setFound(true);
          return node().drop(session(), "reservations.release", id, "").then([this, id]() {
            node().table().end(id, How::RELEASED);
          });
        }
        return kj::READY_NOW;
      });
}

kj::Promise<void> ReservationControlServer::revoke(RevokeContext context) {
  return support::answer(
      context, "reservations.revoke", [this, context]() mutable -> kj::Promise<void> {
        auto id = idOf(context.getParams().getId());
        auto reason = kj::str(context.getParams().getReason());
        if (reason.size() > kReasonBytesMax) {
          support::fail(Kind::INVALID, "reason: has over ", kReasonBytesMax, " bytes");
        }
        if (node_.table().findAny(id) == nullptr) return kj::READY_NOW;
        context.getResults().setFound(true);
        return node_.drop(*session_, "reservations.revoke", id, reason)
            .then([this, id, reason = kj::mv(reason)]() {
              node_.table().end(id, How::REVOKED, userOf(*session_), reason);
            });
      });
}

}  // namespace nodeagent::reserve
