#include "nodeagent/metrics/metrics_service.h"

#include "nodeagent/metrics/recordings.h"

namespace nodeagent {
namespace metrics {
namespace {

// A look at a process whose memory is locked keeps its thread.
constexpr size_t kThreads = 2;

class MetricsService final : public AgentService {
 public:
  explicit MetricsService(ServiceHost& host)
      : worker_(host.platform.makeWorker(kThreads)),
        recordings_(host.timer, host.platform.clock(), *worker_) {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Metrics>([this](Session& session) {
      return kj::heap<MetricsServer>(recordings_, session.addRef());
    }));
  }

  bool close(kj::Duration limit) override { return worker_->close(limit); }

 private:
  kj::Own<Worker> worker_;
  Recordings recordings_;
};

}  // namespace
}  // namespace metrics

kj::Own<AgentService> makeMetrics(ServiceHost& host) {
  return kj::heap<metrics::MetricsService>(host);
}

}  // namespace nodeagent
