#include "harness/rpc/grants.h"

#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"
#include "schema/support/base/wire_error.h"

namespace harness {
namespace {

// Returns the least role that is granted the interface.
wire::Role leastRoleOf(capnp::InterfaceSchema interface) {
  for (auto annotation : interface.getProto().getAnnotations()) {
    if (annotation.getId() != wire::LEAST_ANNOTATION) continue;
    return static_cast<wire::Role>(annotation.getValue().getEnum());
  }
  return wire::Role::ADMIN;
}

}  // namespace

Grants::Grants(wire::Welcome::Reader welcome)
    : agentMinor_(welcome.getProtocolMinor()),
      identity_(kj::str(welcome.getIdentity())),
      role_(welcome.getRole()) {
  auto grants = welcome.getGrants();
  addAll(grants);
  if (grants.getMore().size() > 0) return;
  // An agent of protocol 1.0 sends one field for each interface instead.
  if (grants.hasObsoleteJobs()) add<wire::Jobs>(grants.getObsoleteJobs());
  if (grants.hasObsoleteJobView()) add<wire::JobView>(grants.getObsoleteJobView());
  if (grants.hasObsoleteFiles()) add<wire::Files>(grants.getObsoleteFiles());
  if (grants.hasObsoleteFileView()) add<wire::FileView>(grants.getObsoleteFileView());
  if (grants.hasObsoleteServices()) add<wire::Services>(grants.getObsoleteServices());
  if (grants.hasObsoleteServiceView()) add<wire::ServiceView>(grants.getObsoleteServiceView());
  if (grants.hasObsoleteFacts()) add<wire::FactsView>(grants.getObsoleteFacts());
}

Grants Grants::ofScope(wire::Grants::Reader grants) const {
  Grants scoped;
  scoped.agentMinor_ = agentMinor_;
  scoped.identity_ = kj::str(identity_);
  scoped.role_ = role_;
  scoped.addAll(grants);
  return scoped;
}

void Grants::addAll(wire::Grants::Reader grants) {
  for (auto grant : grants.getMore()) {
    // Calls of a missing capability would fail with a text that says nothing.
    if (!grant.hasCapability()) continue;
    all_.add(Granted{grant.getInterfaceId(), grant.getCapability()});
  }
}

kj::Maybe<capnp::Capability::Client&> Grants::find(uint64_t interfaceId) {
  for (Granted& granted : all_) {
    if (granted.interfaceId == interfaceId) return granted.capability;
  }
  return nullptr;
}

kj::Exception Grants::refusal(capnp::InterfaceSchema interface) const {
  auto name = interface.getShortDisplayName();
  if (role_ >= leastRoleOf(interface)) {
    return support::failure(wire::Error::Kind::UNSUPPORTED, "the agent has no ", name,
                            ": it speaks protocol ", wire::PROTOCOL_MAJOR, ".", agentMinor_,
                            " and may be older than this program; upgrade it");
  }
  return support::failure(wire::Error::Kind::DENIED, "the agent grants no ", name, " to \"",
                          identity_, "\"");
}

}  // namespace harness
