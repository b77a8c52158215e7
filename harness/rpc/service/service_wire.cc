#include "harness/rpc/service/service_wire.h"

#include "harness/rpc/bytes.h"

namespace harness {
namespace {

// The enumerant if we know it, otherwise "unspecified", which is 0 in every enum of both sides.
template <typename To, typename From>
To known(From from, To last) {
  auto number = static_cast<int>(from);
  return number <= static_cast<int>(last) ? static_cast<To>(number) : static_cast<To>(0);
}

}  // namespace

muster::ServiceStatus readServiceStatus(wire::ServiceStatus::Reader from) {
  using Status = muster::ServiceStatus;
  Status status;
  status.manager = known(from.getManager(), Status::Manager::kOpenrc);
  status.state = known(from.getState(), Status::State::kFailed);
  status.substate = stringOf(from.getSubstate());
  status.mainPid = from.getMainPid();
  status.enabled = known(from.getEnabled(), Status::Enabled::kStatic);
  status.description = stringOf(from.getDescription());
  for (auto line : from.getLog()) status.log.push_back(stringOf(line));
  return status;
}

wire::ServiceAction writeServiceAction(muster::ServiceAction action) {
  switch (action) {
    case muster::ServiceAction::kStart:
      return wire::ServiceAction::START;
    case muster::ServiceAction::kStop:
      return wire::ServiceAction::STOP;
    case muster::ServiceAction::kRestart:
      return wire::ServiceAction::RESTART;
    case muster::ServiceAction::kReload:
      return wire::ServiceAction::RELOAD;
    case muster::ServiceAction::kEnable:
      return wire::ServiceAction::ENABLE;
    case muster::ServiceAction::kDisable:
      return wire::ServiceAction::DISABLE;
    case muster::ServiceAction::kMask:
      return wire::ServiceAction::MASK;
    case muster::ServiceAction::kUnmask:
      return wire::ServiceAction::UNMASK;
    case muster::ServiceAction::kResetFailed:
      return wire::ServiceAction::RESET_FAILED;
    case muster::ServiceAction::kKill:
      return wire::ServiceAction::KILL;
  }
  return wire::ServiceAction::UNSPECIFIED;
}

}  // namespace harness
