#include "nodeagent/keeper/service_set.h"

#include <kj/debug.h>

#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"

namespace nodeagent {
namespace {

using Setter = void (wire::Grants::Builder::*)(capnp::Capability::Client&&);

// Returns the setter of the field in which a controller of protocol 1.0 looks for an interface.
// Later interfaces have none.
Setter obsoleteFieldOf(uint64_t interfaceId) {
  using Grants = wire::Grants::Builder;
  if (interfaceId == capnp::typeId<wire::Jobs>()) return &Grants::setObsoleteJobs;
  if (interfaceId == capnp::typeId<wire::JobView>()) return &Grants::setObsoleteJobView;
  if (interfaceId == capnp::typeId<wire::Files>()) return &Grants::setObsoleteFiles;
  if (interfaceId == capnp::typeId<wire::FileView>()) return &Grants::setObsoleteFileView;
  if (interfaceId == capnp::typeId<wire::Services>()) return &Grants::setObsoleteServices;
  if (interfaceId == capnp::typeId<wire::ServiceView>()) return &Grants::setObsoleteServiceView;
  if (interfaceId == capnp::typeId<wire::FactsView>()) return &Grants::setObsoleteFacts;
  return nullptr;
}

}  // namespace

ServiceSet::ServiceSet(kj::Array<kj::Own<AgentService>> services) : services_(kj::mv(services)) {
  for (auto& service : services_) {
    for (auto& offer : service->offers()) {
      for (auto& known : offers_) {
        KJ_REQUIRE(known.interfaceId() != offer.interfaceId(), "two services offer one interface",
                   offer.interface.getShortDisplayName());
      }
      offers_.add(kj::mv(offer));
    }
  }
}

void ServiceSet::grant(Session& session, wire::Role role, wire::Grants::Builder grants) {
  // A role that this agent does not know holds nothing, whatever its number.
  if (role == wire::Role::UNSPECIFIED || role > wire::Role::ADMIN) return;
  kj::Vector<AgentService::Offer*> held;
  for (auto& offer : offers_) {
    if (offer.least != wire::Role::UNSPECIFIED && role >= offer.least) held.add(&offer);
  }
  auto list = grants.initMore(static_cast<unsigned>(held.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    auto capability = held[i]->make(session);
    list[i].setInterfaceId(held[i]->interfaceId());
    list[i].setCapability(capability);
    if (Setter set = obsoleteFieldOf(held[i]->interfaceId())) (grants.*set)(kj::mv(capability));
  }
}

void ServiceSet::writeLimits(wire::Limits::Builder limits) {
  for (auto& service : services_) service->writeLimits(limits);
}

void ServiceSet::count(AgentNumbers& numbers) {
  for (auto& service : services_) service->count(numbers);
}

bool ServiceSet::close(kj::Duration limit) {
  const Clock& clock = systemClock();
  int64_t endNs = clock.monotonicNs() + limit / kj::NANOSECONDS;
  bool isClosed = true;
  for (auto& service : services_) {
    int64_t leftNs = kj::max(endNs - clock.monotonicNs(), int64_t{0});
    isClosed = service->close(leftNs * kj::NANOSECONDS) && isClosed;
  }
  return isClosed;
}

}  // namespace nodeagent
