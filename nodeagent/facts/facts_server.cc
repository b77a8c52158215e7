#include <unistd.h>

#include <sstream>

#include <capnp/message.h>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/facts.h"
#include "nodeagent/facts/text.h"
#include "schema/support/base/version.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

uint64_t residentBytes() {
  std::istringstream words(facts::readLine("/proc/self/statm"));
  uint64_t total = 0;
  uint64_t resident = 0;
  words >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

kj::Own<capnp::MallocMessageBuilder> collectAll() {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto all = message->initRoot<wire::Facts>();
  facts::collectHost("", all);
  facts::collectCpus("", all);
  facts::collectNumaNodes("", all);
  facts::collectMemory("", all.initMemory());
  facts::collectDisks("", all);
  facts::collectMounts("", all);
  facts::collectInterfaces(all);
  return message;
}

class FactsServer final : public wire::FactsView::Server {
 public:
  FactsServer(Worker& worker, kj::Function<AgentNumbers()> numbers)
      : worker_(worker), numbers_(kj::mv(numbers)) {}

  kj::Promise<void> read(ReadContext context) override {
    return support::answer(context, "facts.read", [this, context]() mutable {
      return worker_.run(collectAll)
          .then([this, context](kj::Own<capnp::MallocMessageBuilder>&& message) mutable {
            auto all = message->getRoot<wire::Facts>();
            // The agent's own numbers belong to the loop's thread, so they are added here and not
            // in the task.
            AgentNumbers numbers = numbers_();
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

 private:
  Worker& worker_;
  kj::Function<AgentNumbers()> numbers_;
};

}  // namespace

wire::FactsView::Client makeFacts(Worker& worker, kj::Function<AgentNumbers()> numbers) {
  return kj::heap<FactsServer>(worker, kj::mv(numbers));
}

}  // namespace nodeagent
