// Finds the capabilities that an agent granted with its welcome, by the id of their interface.
//
// No service is named here, so a new one changes nothing.
#pragma once

#include <stdint.h>

#include <capnp/capability.h>
#include <capnp/schema.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "schema/agent.capnp.h"

namespace harness {

// The capabilities that an agent granted over one connection, by the id of their interface.
class Grants {
 public:
  Grants() = default;
  explicit Grants(wire::Welcome::Reader welcome);

  // Returns the capability of an interface. Calls of one that was not granted are refused, with a
  // text that names it.
  template <typename Interface>
  typename Interface::Client get() {
    KJ_IF_MAYBE (granted, find(capnp::typeId<Interface>())) {
      return granted->template castAs<Interface>();
    }
    return refusal(capnp::Schema::from<Interface>().getShortDisplayName());
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
  kj::Maybe<capnp::Capability::Client&> find(uint64_t interfaceId);
  kj::Exception refusal(kj::StringPtr interfaceName) const;

  // Searched linearly, since there are only a few.
  kj::Vector<Granted> all_;

  // The identity that the agent takes us for.
  kj::String identity_;
};

}  // namespace harness
