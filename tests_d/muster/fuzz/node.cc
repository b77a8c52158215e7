#include "tests_d/muster/fuzz/node.h"

#include <capnp/dynamic.h>
#include <kj/debug.h>

#include "nodeagent/exec/job_spec.h"
#include "nodeagent/file/path.h"
#include "schema/support/base/wire_error.h"
#include "tests_d/muster/fuzz/fill.h"

namespace fuzz {
namespace {

using capnp::DynamicStruct;

// Reads the whole request, and answers nothing.
class ReadingRoom final : public capnp::DynamicCapability::Server {
 public:
  ReadingRoom(capnp::InterfaceSchema type, size_t& asked)
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

template <typename Interface>
nodeagent::RoomFactory<typename Interface::Client> readingRoom(size_t& asked) {
  using Client = typename Interface::Client;
  return kj::Function<Client(nodeagent::Session&)>([&asked](nodeagent::Session&) -> Client {
    return capnp::DynamicCapability::Client(
               kj::heap<ReadingRoom>(capnp::Schema::from<Interface>(), asked))
        .template castAs<Interface>();
  });
}

class CheckingJobs final : public wire::Jobs::Server {
 public:
  explicit CheckingJobs(size_t& asked) : asked_(asked) {}

  kj::Promise<void> run(RunContext context) override {
    ++asked_;
    return support::answer(context, "jobs.run", [context]() mutable {
      nodeagent::readJobSpec(context.getParams().getSpec());
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

}  // namespace

Node::Node() : watching_(sessions.watchLeases().eagerlyEvaluate(nullptr)) {
  using nodeagent::Session;
  auto& rooms = context.rooms;
  rooms.jobs = kj::Function<wire::Jobs::Client(Session&)>(
      [this](Session&) -> wire::Jobs::Client { return kj::heap<CheckingJobs>(asked); });
  rooms.fileView = kj::Function<wire::FileView::Client(Session&)>(
      [this](Session&) -> wire::FileView::Client { return kj::heap<CheckingFiles>(asked); });
  rooms.jobView = readingRoom<wire::JobView>(asked);
  rooms.files = readingRoom<wire::Files>(asked);
  rooms.services = readingRoom<wire::Services>(asked);
  rooms.serviceView = readingRoom<wire::ServiceView>(asked);
  rooms.facts = readingRoom<wire::FactsView>(asked);
}

wire::Gate::Client Node::gate(kj::StringPtr who, wire::Role role) {
  return nodeagent::makeGate(context, {kj::str(who), role, kj::str("127.0.0.1:1")}, *this);
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
