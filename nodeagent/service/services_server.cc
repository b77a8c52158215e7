#include <kj/debug.h>

#include "nodeagent/service/service_control.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kDeadlineMaxNs = 600'000'000'000;

void writeStatus(wire::ServiceStatus::Builder builder, const service::Status& status) {
  builder.setManager(status.manager);
  builder.setState(status.state);
  builder.setSubstate(status.substate);
  builder.setMainPid(status.mainPid);
  builder.setEnabled(status.enabled);
  builder.setDescription(status.description);
  auto log = builder.initLog(static_cast<unsigned>(status.log.size()));
  for (unsigned i = 0; i < log.size(); ++i) log.set(i, status.log[i]);
}

}  // namespace

class ServiceViewServer : public virtual wire::ServiceView::Server {
 public:
  explicit ServiceViewServer(ServicesRoom& room) : room_(room) {}

  kj::Promise<void> status(StatusContext context) override {
    return support::answer(context, "services.status", [this, context]() mutable {
      auto name = kj::str(context.getParams().getName());
      service::requireServiceName(name);
      return look(kj::mv(name)).then([context](service::Status&& status) mutable {
        writeStatus(context.getResults().initStatus(), status);
      });
    });
  }

 protected:
  kj::Promise<service::Status> look(kj::String name) {
    return room_.statusWorker_.run([name = kj::mv(name), paths = room_.paths_]() {
      return service::findManager(paths)->status(name);
    });
  }

  ServicesRoom& room_;
};

class ServicesServer final : public wire::Services::Server, public ServiceViewServer {
 public:
  ServicesServer(ServicesRoom& room, kj::Own<Session> session)
      : ServiceViewServer(room), session_(kj::mv(session)) {}

  kj::Promise<void> act(ActContext context) override {
    return support::answer(context, "services.act", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto name = kj::str(params.getName());
      auto action = params.getAction();
      int64_t deadlineNs = params.getDeadlineNs();
      service::requireServiceName(name);
      service::actionText(action);
      if (deadlineNs <= 0 || deadlineNs > kDeadlineMaxNs) {
        support::fail(Kind::INVALID, "deadlineNs: ", deadlineNs, " is not between 1 ns and 10 min");
      }
      KJ_IF_MAYBE (audit, room_.audit_) {
        audit->record(*session_, "services.act",
                      {{"name", name}, {"action", service::actionText(action)}});
      }
      auto task = [name = kj::str(name), action, deadlineNs, paths = room_.paths_]() {
        return service::findManager(paths)->act(name, action, deadlineNs);
      };
      return room_.actWorker_.run(kj::mv(task))
          .then([this, context, name = kj::mv(name)](service::ActResult&& result) mutable {
            return answerAct(context, kj::mv(name), kj::mv(result));
          });
    });
  }

 private:
  // Answers with the action's result and the status afterwards. The status comes beside a failure
  // too, if it can be read.
  kj::Promise<void> answerAct(ActContext context, kj::String name, service::ActResult result) {
    context.getResults().setOutput(result.output);
    bool failed = result.kind != Kind::UNSPECIFIED;
    if (failed) {
      support::writeError(context.getResults().initError(), {result.kind, 0, kj::mv(result.text)});
    }
    return look(kj::mv(name))
        .then([context](service::Status&& status) mutable {
          writeStatus(context.getResults().initStatus(), status);
        })
        .catch_([failed](kj::Exception&& exception) {
          // The action's own failure says more than a second one about its status.
          if (!failed) kj::throwFatalException(kj::mv(exception));
        });
  }

  kj::Own<Session> session_;
};

ServicesRoom::ServicesRoom(const InitPaths& paths, kj::Maybe<AuditLog&> audit)
    : paths_(paths), audit_(audit) {}

wire::Services::Client ServicesRoom::servicesOf(Session& session) {
  return kj::heap<ServicesServer>(*this, session.addRef());
}

wire::ServiceView::Client ServicesRoom::view() {
  return kj::heap<ServiceViewServer>(*this);
}

}  // namespace nodeagent
