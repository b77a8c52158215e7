#include "nodeagent/service/service_control.h"

#include "nodeagent/service/services_server.h"

namespace nodeagent {
namespace service {
namespace {

// An action may take minutes and must keep nobody else waiting. Actions beyond these threads wait.
constexpr size_t kActThreads = 8;
constexpr size_t kStatusThreads = 2;

class ServiceControl final : public AgentService {
 public:
  ServiceControl(ServiceHost& host, const InitPaths& paths)
      : actWorker_(host.platform.makeWorker(kActThreads)),
        statusWorker_(host.platform.makeWorker(kStatusThreads)),
        restores_(*actWorker_, host.timer, paths, host.stateDirectory),
        control_{host.timer,     host.audit, paths,          *actWorker_,
                 *statusWorker_, restores_,  UserDatabase(), host.deaths} {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Services>([this](Session& session) {
                     return kj::heap<ServicesServer>(control_, session.addRef());
                   }),
                   offer<wire::ServiceView>(
                       [this](Session&) { return kj::heap<ServiceViewServer>(control_); }));
  }

  bool close(kj::Duration limit) override {
    return actWorker_->close(limit / 2) && statusWorker_->close(limit / 2);
  }

 private:
  kj::Own<Worker> actWorker_;
  kj::Own<Worker> statusWorker_;
  Restores restores_;
  Control control_;
};

}  // namespace
}  // namespace service

kj::Own<AgentService> makeServiceControl(ServiceHost& host, const InitPaths& paths) {
  return kj::heap<service::ServiceControl>(host, paths);
}

}  // namespace nodeagent
