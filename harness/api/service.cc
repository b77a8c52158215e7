#include <ostream>

#include <muster/deadline.h>
#include <muster/service.h>

#include "harness/api/call_site.h"
#include "harness/rpc/service/services.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;
using harness::rpc::Services;

Service::Service(harness::ControllerNode& node, std::string name)
    : node_(&node), name_(std::move(name)) {}

ServiceStatus Service::status(Where where) const {
  return at(where, [&] { return Services(*node_).status(name_, DeadlineScope::current()); });
}

ServiceStatus Service::act(ServiceAction action, Where where) const {
  return at(where, [&] { return Services(*node_).act(name_, action, DeadlineScope::current()); });
}

ServiceStatus Service::start(Where where) const {
  return act(ServiceAction::kStart, where);
}
ServiceStatus Service::stop(Where where) const {
  return act(ServiceAction::kStop, where);
}
ServiceStatus Service::restart(Where where) const {
  return act(ServiceAction::kRestart, where);
}
ServiceStatus Service::reload(Where where) const {
  return act(ServiceAction::kReload, where);
}
ServiceStatus Service::enable(Where where) const {
  return act(ServiceAction::kEnable, where);
}
ServiceStatus Service::disable(Where where) const {
  return act(ServiceAction::kDisable, where);
}

const std::string& Service::node() const {
  return node_->description().name;
}

void PrintTo(const Service& service, std::ostream* out) {
  *out << "node " << service.node() << ": service " << harness::quoted(service.name());
}

}  // namespace muster
