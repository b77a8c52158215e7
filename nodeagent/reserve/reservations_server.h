// Serves the calls of schema/reserve.capnp on the table of reservations, with audit, disk and
// waiting.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include "nodeagent/os/worker.h"
#include "nodeagent/reserve/reservation_journal.h"
#include "nodeagent/reserve/reservation_table.h"
#include "nodeagent/session/agent_service.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/change_signal.h"
#include "schema/reserve.capnp.h"

namespace nodeagent::reserve {

// The node's reservations with everything that they need. Belongs to the keeper's thread.
class NodeReservations final : private TableListener {
 public:
  // Goes on with the standing reservations of an earlier keeper. `host` outlives it.
  explicit NodeReservations(ServiceHost& host);
  KJ_DISALLOW_COPY(NodeReservations);

  ReservationTable& table() { return table_; }
  NodeUse& use() { return host_.use; }
  const Clock& clock() { return host_.platform.clock(); }
  kj::Timer& timer() { return host_.timer; }

  // Resolves when a state may have changed, and after `limit` at the latest.
  kj::Promise<void> nextChange(kj::Duration limit);

  // Resolves when the line has been written.
  kj::Promise<void> record(const Session& session, std::string_view operation,
                           support::Fields fields);

  // Writes the audit line and keeps the reservation on disk, with these times.
  kj::Promise<void> keep(const Session& session, const Reservation& reservation,
                         int64_t sinceRealtimeNs, int64_t lengthNs);

  // Writes the audit line and removes what the disk has of a reservation.
  kj::Promise<void> drop(const Session& session, std::string_view operation, const support::Id& id,
                         kj::StringPtr reason);

  bool close(kj::Duration limit) { return worker_->close(limit); }

 private:
  void changed() override;
  void standingEnded(const support::Id& id) override;
  kj::Promise<void> watch();

  ServiceHost& host_;
  kj::Own<Worker> worker_;
  kj::Own<const ReservationJournal> journal_;
  ChangeSignal signal_;
  bool isWatching_ = false;
  ReservationTable table_;
  // Settles the table every second while there is something in it.
  kj::Promise<void> watching_ = nullptr;
};

// Writes what the table knows, as `session` may see it.
void writeStatus(NodeReservations& node, const Session& session,
                 wire::ReservationStatus::Builder status);

class ReservationViewServer : public virtual wire::ReservationView::Server {
 public:
  ReservationViewServer(NodeReservations& node, Session& session)
      : node_(node), session_(session.whole().addRef()) {}

  kj::Promise<void> status(StatusContext context) override;

 protected:
  NodeReservations& node() { return node_; }
  Session& session() { return *session_; }

 private:
  NodeReservations& node_;
  kj::Own<Session> session_;
};

class ReservationsServer final : public wire::Reservations::Server, public ReservationViewServer {
 public:
  using ReservationViewServer::ReservationViewServer;

  kj::Promise<void> reserve(ReserveContext context) override;
  kj::Promise<void> follow(FollowContext context) override;
  kj::Promise<void> makeStanding(MakeStandingContext context) override;
  kj::Promise<void> release(ReleaseContext context) override;

 private:
  kj::Promise<void> answerReserve(ReserveContext context, kj::TimePoint end);
  kj::Promise<void> answerFollow(FollowContext context, kj::TimePoint end);
};

class ReservationControlServer final : public wire::ReservationControl::Server {
 public:
  ReservationControlServer(NodeReservations& node, Session& session)
      : node_(node), session_(session.whole().addRef()) {}

  kj::Promise<void> revoke(RevokeContext context) override;

 private:
  NodeReservations& node_;
  kj::Own<Session> session_;
};

}  // namespace nodeagent::reserve
