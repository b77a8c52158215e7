// Finds the capabilities that an agent granted with its welcome, by the id of their interface.
//
// No service is named here, so a new one changes nothing.
#pragma once

#include <stdint.h>

#include <capnp/capability.h>
#include <capnp/schema.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "harness/rpc/older_agent.h"
#include "schema/agent.capnp.h"

namespace harness {

// The capabilities that an agent granted over one connection, by the id of their interface.
class Grants {
 public:
  Grants() = default;
  explicit Grants(wire::Welcome::Reader welcome);

  // Returns those of a scope of the session, from the answer that opened it.
  Grants ofScope(wire::Grants::Reader grants) const;

  // Returns the minor version of the protocol that the agent speaks.
  uint16_t agentMinor() const { return agentMinor_; }

  // Returns the capability of an interface. Calls of one that was not granted are refused, with a
  // text that names it: with kind denied if our role is below the one that it is for, and else with
  // kind unsupported, since the agent does not have it. So are calls with fields that the agent is
  // too old to know.
  template <typename Interface>
  typename Interface::Client get() {
    KJ_IF_MAYBE (granted, find(capnp::typeId<Interface>())) {
      if (agentMinor_ >= wire::PROTOCOL_MINOR) return granted->template castAs<Interface>();
      auto interface = capnp::Schema::from<Interface>();
      return refuseNewerFields(*granted, interface, agentMinor_).template castAs<Interface>();
    }
    return refusal(capnp::Schema::from<Interface>());
  }

 private:
  struct Granted {
    uint64_t interfaceId;
    capnp::Capability::Client capability;
  };

  template <typename Interface>
  void add(capnp::Capability::Client capability) {
    all_.add(Granted{capnp::typeId<Interface>(), kj::mv(capability)});
  }
  void addAll(wire::Grants::Reader grants);
  kj::Maybe<capnp::Capability::Client&> find(uint64_t interfaceId);
  kj::Exception refusal(capnp::InterfaceSchema interface) const;

  // Searched linearly, since there are only a few.
  kj::Vector<Granted> all_;

  uint16_t agentMinor_ = 0;

  // The identity that the agent takes us for, and its role. An agent that names no role does not
  // tell why it grants nothing.
  kj::String identity_;
  wire::Role role_ = wire::Role::UNSPECIFIED;
};

}  // namespace harness
