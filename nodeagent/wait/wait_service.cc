#include "nodeagent/wait/wait_service.h"

#include "nodeagent/wait/waits_server.h"

namespace nodeagent {
namespace wait {
namespace {

// A look keeps its thread while it waits for a peer or a file system.
constexpr size_t kThreads = 8;

class WaitService final : public AgentService {
 public:
  explicit WaitService(ServiceHost& host)
      : worker_(host.platform.makeWorker(kThreads)), looking_{host.timer, host.audit, *worker_} {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Waits>(
        [this](Session& session) { return kj::heap<WaitsServer>(looking_, session.addRef()); }));
  }

  bool close(kj::Duration limit) override { return worker_->close(limit); }

 private:
  kj::Own<Worker> worker_;
  Looking looking_;
};

}  // namespace
}  // namespace wait

kj::Own<AgentService> makeWait(ServiceHost& host) {
  return kj::heap<wait::WaitService>(host);
}

}  // namespace nodeagent
