#include "nodeagent/service/manager.h"

#include "nodeagent/service/openrc.h"
#include "nodeagent/service/systemd.h"
#include "nodeagent/service/sysv.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::service {
namespace {

using Kind = wire::Error::Kind;

}  // namespace

kj::StringPtr actionText(wire::ServiceAction action) {
  switch (action) {
    case wire::ServiceAction::START:
      return "start";
    case wire::ServiceAction::STOP:
      return "stop";
    case wire::ServiceAction::RESTART:
      return "restart";
    case wire::ServiceAction::RELOAD:
      return "reload";
    case wire::ServiceAction::ENABLE:
      return "enable";
    case wire::ServiceAction::DISABLE:
      return "disable";
    case wire::ServiceAction::MASK:
      return "mask";
    case wire::ServiceAction::UNMASK:
      return "unmask";
    case wire::ServiceAction::RESET_FAILED:
      return "reset-failed";
    case wire::ServiceAction::KILL:
      return "kill";
    case wire::ServiceAction::UNSPECIFIED:
      break;
  }
  support::fail(Kind::INVALID, "service action: unknown value ", static_cast<unsigned>(action));
}

ActResult unsupportedAction(kj::StringPtr name, wire::ServiceAction action, kj::StringPtr why) {
  ActResult result;
  result.kind = Kind::UNSUPPORTED;
  result.text = kj::str(actionText(action), " ", name, ": ", why);
  return result;
}

kj::Own<Manager> findManager(const InitPaths& paths, kj::Maybe<const User&> user) {
  auto init = initSystem(paths);
  KJ_IF_MAYBE (owner, user) {
    if (init == InitSystem::kSystemd) return kj::heap<Systemd>(*owner);
    support::fail(Kind::UNSUPPORTED, "services of user ", owner->name,
                  ": only systemd has services of users, and this node does not run it");
  }
  switch (init) {
    case InitSystem::kSystemd:
      return kj::heap<Systemd>();
    case InitSystem::kOpenrc:
      return kj::heap<Openrc>(OpenrcPaths{.scripts = paths.scripts});
    case InitSystem::kSysv:
      return kj::heap<Sysv>(SysvPaths{.scripts = paths.scripts});
    case InitSystem::kUnknown:
      break;
  }
  support::fail(Kind::UNSUPPORTED, "services: this node runs neither systemd nor init scripts in ",
                paths.scripts);
}

}  // namespace nodeagent::service
