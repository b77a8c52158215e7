// Keeps requests from agents that are too old to understand them.
#pragma once

#include <stdint.h>

#include <capnp/capability.h>
#include <capnp/schema.h>

namespace harness {

// Returns a capability that passes calls on to `capability`, which an agent of protocol minor
// `agentMinor` offers. A call fails with kind unsupported, and is not sent, if its request sets a
// field or has a value that came later (annotation $Common.since): such an agent would not see it.
// The text names the field, both protocols and what to do. `interface` is that of the calls.
capnp::Capability::Client refuseNewerFields(capnp::Capability::Client capability,
                                            capnp::InterfaceSchema interface, uint16_t agentMinor);

}  // namespace harness
