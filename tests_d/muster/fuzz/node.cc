#include "tests_d/muster/fuzz/node.h"

#include <capnp/dynamic.h>
#include <kj/debug.h>

#include "nodeagent/exec/job_spec.h"
#include "nodeagent/file/path.h"
#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"
#include "schema/support/base/wire_error.h"
#include "tests_d/muster/fuzz/fill.h"

namespace fuzz {
namespace {

using capnp::DynamicStruct;

// A service that reads the whole request, and answers with nothing.
class ReadingServer final : public capnp::DynamicCapability::Server {
 public:
  ReadingServer(capnp::InterfaceSchema type, size_t& asked)
      : capnp::DynamicCapability::Server(type), asked_(asked) {}

  kj::Promise<void> call(capnp::InterfaceSchema::Method,
                         capnp::CallContext<DynamicStruct, DynamicStruct> context) override {
    ++asked_;
    readAll(context.getParams());
    return kj::READY_NOW;
  }

 private:
  size_t& asked_;
};

class CheckingJobs final : public wire::Jobs::Server {
 public:
  explicit CheckingJobs(size_t& asked) : asked_(asked) {}

  kj::Promise<void> run(RunContext context) override {
    ++asked_;
    return support::answer(context, "jobs.run", [context]() mutable {
      nodeagent::exec::readJobSpec(context.getParams().getSpec());
    });
  }

 private:
  size_t& asked_;
};

class CheckingFiles final : public wire::FileView::Server {
 public:
  explicit CheckingFiles(size_t& asked) : asked_(asked) {}

  kj::Promise<void> stat(StatContext context) override {
    ++asked_;
    return support::answer(context, "files.stat", [context]() mutable {
      nodeagent::file::quoted(nodeagent::file::absolutePath(context.getParams().getPath()));
    });
  }

 private:
  size_t& asked_;
};

// Offers what an agent offers.
class CheckingService final : public nodeagent::AgentService {
 public:
  explicit CheckingService(size_t& asked) : asked_(asked) {}

  kj::Array<Offer> offers() override {
    using nodeagent::Session;
    return kj::arr(
        nodeagent::offer<wire::Jobs>([this](Session&) { return kj::heap<CheckingJobs>(asked_); }),
        nodeagent::offer<wire::FileView>(
            [this](Session&) { return kj::heap<CheckingFiles>(asked_); }),
        reading<wire::JobView>(), reading<wire::Files>(), reading<wire::Services>(),
        reading<wire::ServiceView>(), reading<wire::FactsView>());
  }

 private:
  template <typename Interface>
  Offer reading() {
    return nodeagent::offer<Interface>([this](nodeagent::Session&) {
      return capnp::DynamicCapability::Client(
                 kj::heap<ReadingServer>(capnp::Schema::from<Interface>(), asked_))
          .template castAs<Interface>();
    });
  }

  size_t& asked_;
};

kj::Array<kj::Own<nodeagent::AgentService>> servicesOf(size_t& asked) {
  kj::Own<nodeagent::AgentService> service = kj::heap<CheckingService>(asked);
  return kj::arr(kj::mv(service));
}

}  // namespace

Node::Node()
    : services_(servicesOf(asked)), watching_(sessions.watchLeases().eagerlyEvaluate(nullptr)) {}

wire::Gate::Client Node::gate(kj::StringPtr who, wire::Role role) {
  return nodeagent::makeGate(context_, {{who.cStr(), role}, "127.0.0.1:1"}, *this);
}

void Node::advance(kj::Duration duration) {
  clock.advance(duration / kj::NANOSECONDS);
  timer.advanceTo(timer.now() + duration);
  waitScope.poll();
}

void Node::expectHealthy() {
  auto request = gate("operator:doctor", wire::Role::OPERATOR).helloRequest();
  auto greeting = request.initGreeting();
  greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
  greeting.setSessionId(support::Id::random().data());
  auto response = request.send().wait(waitScope);
  if (response.getError().getKind() == wire::Error::Kind::OVERLOADED) return;
  KJ_ASSERT(response.hasSession(), response.getError().getText());
  response.getSession().pingRequest().send().wait(waitScope);
  auto closed = response.getSession().closeRequest().send().wait(waitScope);
  KJ_ASSERT(!closed.hasError() && closed.getLeftovers().size() == 0);
}

}  // namespace fuzz
