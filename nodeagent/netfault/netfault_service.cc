#include "nodeagent/netfault/netfault_service.h"

#include "nodeagent/netfault/faults_server.h"

namespace nodeagent {
namespace netfault {
namespace {

// A probe keeps its thread while it waits for an answer.
constexpr size_t kProbeThreads = 4;

class NetfaultService final : public AgentService {
 public:
  NetfaultService(ServiceHost& host, RunTool run)
      : host_(host),
        prober_(host.platform.makeWorker(kProbeThreads)),
        table_(host, kj::mv(run)),
        kills_(host) {}

  kj::Array<Offer> offers() override {
    return kj::arr(
        offer<wire::Faults>([this](Session& session) {
          return kj::heap<FaultsServer>(table_, kills_, *prober_, session.addRef(),
                                        host_.controlPorts);
        }),
        offer<wire::FaultView>([this](Session&) { return kj::heap<FaultViewServer>(table_); }));
  }

  bool close(kj::Duration limit) override {
    bool isClosed = table_.close(limit / 3);
    isClosed = kills_.close(limit / 3) && isClosed;
    return prober_->close(limit / 3) && isClosed;
  }

 private:
  ServiceHost& host_;
  kj::Own<Worker> prober_;
  FaultTable table_;
  KillTable kills_;
};

}  // namespace
}  // namespace netfault

kj::Own<AgentService> makeNetfault(ServiceHost& host, netfault::RunTool run) {
  return kj::heap<netfault::NetfaultService>(host, kj::mv(run));
}

}  // namespace nodeagent
