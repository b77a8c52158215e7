#include "nodeagent/service/service_control.h"

#include <kj/debug.h>

#include "nodeagent/service/manager.h"
#include "schema/service.capnp.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace service {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kDeadlineMaxNs = 600'000'000'000;

// An action may take minutes and must keep nobody else waiting. Actions beyond these threads wait.
constexpr size_t kActThreads = 8;
constexpr size_t kStatusThreads = 2;

// What both capabilities use. Outlives them.
struct Control {
  AuditLog& audit;
  InitPaths paths;
  kj::Own<Worker> actWorker;
  kj::Own<Worker> statusWorker;
};

void writeStatus(wire::ServiceStatus::Builder builder, const Status& status) {
  builder.setManager(status.manager);
  builder.setState(status.state);
  builder.setSubstate(status.substate);
  builder.setMainPid(status.mainPid);
  builder.setEnabled(status.enabled);
  builder.setDescription(status.description);
  auto log = builder.initLog(static_cast<unsigned>(status.log.size()));
  for (unsigned i = 0; i < log.size(); ++i) log.set(i, status.log[i]);
}

class ServiceViewServer : public virtual wire::ServiceView::Server {
 public:
  explicit ServiceViewServer(Control& control) : control_(control) {}

  kj::Promise<void> status(StatusContext context) override {
    return support::answer(context, "services.status", [this, context]() mutable {
      auto name = kj::str(context.getParams().getName());
      requireServiceName(name);
      return look(kj::mv(name)).then([context](Status&& status) mutable {
        writeStatus(context.getResults().initStatus(), status);
      });
    });
  }

 protected:
  kj::Promise<Status> look(kj::String name) {
    return control_.statusWorker->run([name = kj::mv(name), paths = control_.paths]() {
      return findManager(paths)->status(name);
    });
  }

  Control& control_;
};

class ServicesServer final : public wire::Services::Server, public ServiceViewServer {
 public:
  ServicesServer(Control& control, kj::Own<Session> session)
      : ServiceViewServer(control), session_(kj::mv(session)) {}

  kj::Promise<void> act(ActContext context) override {
    return support::answer(context, "services.act", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto name = kj::str(params.getName());
      auto action = params.getAction();
      int64_t deadlineNs = params.getDeadlineNs();
      requireServiceName(name);
      actionText(action);
      if (deadlineNs <= 0 || deadlineNs > kDeadlineMaxNs) {
        support::fail(Kind::INVALID, "deadlineNs: ", deadlineNs, " is not between 1 ns and 10 min");
      }
      auto line = control_.audit.line(*session_, "services.act",
                                      {{"name", name}, {"action", actionText(action)}});
      auto task = [name = kj::str(name), action, deadlineNs, paths = control_.paths]() {
        return findManager(paths)->act(name, action, deadlineNs);
      };
      return control_.actWorker->run(audited(kj::mv(line), kj::mv(task)))
          .then([this, context, name = kj::mv(name)](ActResult&& result) mutable {
            return answerAct(context, kj::mv(name), kj::mv(result));
          });
    });
  }

 private:
  // Answers with the action's result and the status afterwards. The status comes beside a failure
  // too, if it can be read.
  kj::Promise<void> answerAct(ActContext context, kj::String name, ActResult result) {
    context.getResults().setOutput(result.output);
    bool failed = result.kind != Kind::UNSPECIFIED;
    if (failed) {
      support::writeError(context.getResults().initError(), {result.kind, 0, kj::mv(result.text)});
    }
    return look(kj::mv(name))
        .then([context](Status&& status) mutable {
          writeStatus(context.getResults().initStatus(), status);
        })
        .catch_([failed](kj::Exception&& exception) {
          // The action's own failure says more than a second one about its status.
          if (!failed) kj::throwFatalException(kj::mv(exception));
        });
  }

  kj::Own<Session> session_;
};

class ServiceControl final : public AgentService {
 public:
  ServiceControl(ServiceHost& host, const InitPaths& paths)
      : control_{host.audit, paths, host.platform.makeWorker(kActThreads),
                 host.platform.makeWorker(kStatusThreads)} {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Services>([this](Session& session) {
                     return kj::heap<ServicesServer>(control_, session.addRef());
                   }),
                   offer<wire::ServiceView>(
                       [this](Session&) { return kj::heap<ServiceViewServer>(control_); }));
  }

  bool close(kj::Duration limit) override {
    return control_.actWorker->close(limit / 2) && control_.statusWorker->close(limit / 2);
  }

 private:
  Control control_;
};

}  // namespace
}  // namespace service

kj::Own<AgentService> makeServiceControl(ServiceHost& host, const InitPaths& paths) {
  return kj::heap<service::ServiceControl>(host, paths);
}

}  // namespace nodeagent
