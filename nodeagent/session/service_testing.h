// Gives unit tests of services a place to run in, and a service's capabilities as the keeper would
// grant them.
#pragma once

#include <kj/async-io.h>
#include <kj/debug.h>

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// The node itself, without an audit log and without a state directory. A test changes `host` before
// it makes a service.
class TestHost {
 public:
  // `io` outlives it.
  explicit TestHost(kj::AsyncIoContext& io)
      : platform_(makeNodePlatform(io.unixEventPort, io.provider->getTimer())),
        host{io.unixEventPort,
             io.provider->getTimer(),
             *platform_,
             *audit_,
             "n1",
             "boot-1",
             "",
             ""} {}
  KJ_DISALLOW_COPY(TestHost);

 private:
  kj::Own<Platform> platform_;
  kj::Own<AuditLog> audit_ = discardAuditLog();

 public:
  ServiceHost host;
};

// A session that no table knows, with the default lease.
inline kj::Own<Session> newSession(kj::Timer& timer, wire::Role role = wire::Role::OPERATOR,
                                   kj::StringPtr identity = "test") {
  Session::Options options;
  options.id = support::Id::random();
  options.identity = kj::str(identity);
  options.role = role;
  options.leaseNs = SessionTable::kLeaseDefaultNs;
  return kj::refcounted<Session>(kj::mv(options), systemClock(), timer);
}

template <typename Interface>
typename Interface::Client offered(AgentService& service, Session& session) {
  for (auto& offer : service.offers()) {
    if (offer.interfaceId() == capnp::typeId<Interface>())
      return offer.make(session).template castAs<Interface>();
  }
  KJ_FAIL_REQUIRE("the service does not offer it", capnp::Schema::from<Interface>());
}

// Returns the capability that a welcome grants; null if it does not.
template <typename Interface>
kj::Maybe<typename Interface::Client> findGranted(wire::Grants::Reader grants) {
  for (auto grant : grants.getMore()) {
    if (grant.getInterfaceId() == capnp::typeId<Interface>())
      return grant.getCapability().template castAs<Interface>();
  }
  return nullptr;
}

template <typename Interface>
typename Interface::Client granted(wire::Grants::Reader grants) {
  return KJ_REQUIRE_NONNULL(findGranted<Interface>(grants), "it is not granted");
}

}  // namespace nodeagent
