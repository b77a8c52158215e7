#include "nodeagent/reserve/reserve_service.h"

#include "nodeagent/reserve/reservations_server.h"

namespace nodeagent {
namespace reserve {
namespace {

class ReserveService final : public AgentService {
 public:
  explicit ReserveService(ServiceHost& host) : node_(host) {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::ReservationView>([this](Session& session) {
                     return kj::heap<ReservationViewServer>(node_, session);
                   }),
                   offer<wire::Reservations>([this](Session& session) {
                     return kj::heap<ReservationsServer>(node_, session);
                   }),
                   offer<wire::ReservationControl>([this](Session& session) {
                     return kj::heap<ReservationControlServer>(node_, session);
                   }));
  }

  bool close(kj::Duration limit) override { return node_.close(limit); }

 private:
  NodeReservations node_;
};

}  // namespace
}  // namespace reserve

kj::Own<AgentService> makeReserve(ServiceHost& host) {
  return kj::heap<reserve::ReserveService>(host);
}

}  // namespace nodeagent
