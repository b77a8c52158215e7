#include <ostream>

#include <muster/deadline.h>
#include <muster/service.h>

#include "harness/api/call_site.h"
#include "harness/rpc/service/services.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;
using harness::rpc::Services;

Service::Service(harness::ControllerNode& node, std::string name, ServiceOptions options)
    : node_(&node), name_(std::move(name)), options_(std::move(options)) {}

ServiceStatus Service::status(Where where) const {
  return at(where, [&] {
    return Services(*node_).status({name_, options_.user}, DeadlineScope::current());
  });
}

ServiceStatus Service::waitActive(std::chrono::nanoseconds within, Where where) const {
  return harness::atWithin(where, within, [&] {
    return Services(*node_).awaitActive({name_, options_.user}, harness::waitEnd(within),
                                        DeadlineScope::current());
  });
}

ServiceStatus Service::act(ServiceAction action, int signal, UndoAt undo, Where where) const {
  return at(where, [&] {
    return Services(*node_).act({name_, options_.user}, {action, signal, undo},
                                DeadlineScope::current());
  });
}

ServiceStatus Service::start(UndoAt undo, Where where) const {
  return act(ServiceAction::kStart, 0, undo, where);
}
ServiceStatus Service::stop(UndoAt undo, Where where) const {
  return act(ServiceAction::kStop, 0, undo, where);
}
ServiceStatus Service::restart(UndoAt undo, Where where) const {
  return act(ServiceAction::kRestart, 0, undo, where);
}
ServiceStatus Service::reload(Where where) const {
  return act(ServiceAction::kReload, 0, UndoAt::kNever, where);
}
ServiceStatus Service::enable(UndoAt undo, Where where) const {
  return act(ServiceAction::kEnable, 0, undo, where);
}
ServiceStatus Service::disable(UndoAt undo, Where where) const {
  return act(ServiceAction::kDisable, 0, undo, where);
}
ServiceStatus Service::mask(UndoAt undo, Where where) const {
  return act(ServiceAction::kMask, 0, undo, where);
}
ServiceStatus Service::unmask(UndoAt undo, Where where) const {
  return act(ServiceAction::kUnmask, 0, undo, where);
}
ServiceStatus Service::resetFailed(Where where) const {
  return act(ServiceAction::kResetFailed, 0, UndoAt::kNever, where);
}
ServiceStatus Service::kill(int number, UndoAt undo, Where where) const {
  return act(ServiceAction::kKill, number, undo, where);
}

const std::string& Service::node() const {
  return node_->description().name;
}

void PrintTo(const Service& service, std::ostream* out) {
  *out << "node " << service.node() << ": service " << harness::inQuotes(service.name());
}

}  // namespace muster
