#include "nodeagent/facts/facts_service.h"

#include <unistd.h>

#include <sstream>

#include <capnp/message.h>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/snapshot.h"
#include "nodeagent/facts/text.h"
#include "schema/support/base/version.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace facts {
namespace {

// A file system that hangs keeps each thread that asks how full it is.
constexpr size_t kThreads = 2;

uint64_t residentBytes() {
  std::istringstream words(readLine("/proc/self/statm"));
  uint64_t total = 0;
  uint64_t resident = 0;
  words >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

kj::Own<capnp::MallocMessageBuilder> collectAll() {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto all = message->initRoot<wire::Facts>();
  collectHost("", all);
  collectCpus("", all);
  collectNumaNodes("", all);
  collectMemory("", all.initMemory());
  collectDisks("", all);
  collectMounts("", all);
  collectInterfaces(all);
  return message;
}

class FactsServer final : public wire::FactsView::Server {
 public:
  FactsServer(Worker& worker, ServiceHost& host) : worker_(worker), host_(host) {}

  kj::Promise<void> read(ReadContext context) override {
    return support::answer(context, "facts.read", [this, context]() mutable {
      return worker_.run(collectAll)
          .then([this, context](kj::Own<capnp::MallocMessageBuilder>&& message) mutable {
            auto all = message->getRoot<wire::Facts>();
            // The agent's own numbers belong to the loop's thread, so they are added here and not
            // in the task.
            AgentNumbers numbers = host_.numbers();
            auto agent = all.initAgent();
            agent.setVersion(support::kVersion);
            agent.setStartedRealtimeNs(numbers.startedRealtimeNs);
            agent.setResidentBytes(residentBytes());
            agent.setJobsRunning(numbers.jobsRunning);
            agent.setSessions(numbers.sessions);
            context.getResults().setFacts(all.asReader());
          });
    });
  }

  kj::Promise<void> snapshot(SnapshotContext context) override {
    return support::answer(context, "facts.snapshot", [this, context]() mutable {
      return worker_.run(takeSnapshot).then([context](std::vector<SnapshotItem>&& items) mutable {
        auto list = context.getResults().initItems(static_cast<unsigned>(items.size()));
        for (unsigned i = 0; i < list.size(); ++i) {
          const std::string& what = items[i].what;
          list[i].setKind(items[i].kind);
          list[i].setWhat(
              kj::arrayPtr(reinterpret_cast<const kj::byte*>(what.data()), what.size()));
        }
      });
    });
  }

 private:
  Worker& worker_;
  ServiceHost& host_;
};

class FactsService final : public AgentService {
 public:
  explicit FactsService(ServiceHost& host)
      : host_(host), worker_(host.platform.makeWorker(kThreads)) {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::FactsView>(
        [this](Session&) { return kj::heap<FactsServer>(*worker_, host_); }));
  }

  bool close(kj::Duration limit) override { return worker_->close(limit); }

 private:
  ServiceHost& host_;
  kj::Own<Worker> worker_;
};

}  // namespace
}  // namespace facts

kj::Own<AgentService> makeFacts(ServiceHost& host) {
  return kj::heap<facts::FactsService>(host);
}

}  // namespace nodeagent
