// What one fault does, as a checked value. Nothing here touches the node.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/disk/disturbance.h"
#include "nodeagent/netfault/processes.h"
#include "nodeagent/relay/schedule.h"
#include "schema/fault.capnp.h"
#include "schema/support/base/id.h"

namespace nodeagent::netfault {

constexpr int64_t kHoldMaxNs = 24 * 3600 * 1'000'000'000LL;
constexpr size_t kAddressesMax = 512;
constexpr uint32_t kMillion = 1'000'000;

// Has the fields of wire::Link.
struct LinkSpec {
  // Empty: the fault drops packets instead.
  kj::String interface;
  // 0: as fast as it is.
  uint64_t bitsPerSecond = 0;
  int64_t delayNs = 0;
  int64_t jitterNs = 0;
  uint32_t duplicatePpm = 0;
  uint32_t reorderPpm = 0;
  uint32_t corruptPpm = 0;

  // A rate alone is done by tbf. Otherwise it takes netem, or a relay where the kernel has none.
  bool needsNetem() const {
    return delayNs > 0 || jitterNs > 0 || duplicatePpm > 0 || reorderPpm > 0 || corruptPpm > 0;
  }
};

// What is neither dropped nor slow, but done to the node itself: local_effect.h.
struct LocalSpec {
  // Names the effect, such as "pause". Empty: the fault is another.
  kj::StringPtr kind;
  ProcessChoice processes = {};
  // Descriptors that each process may still open; bytes of memory, or of the disk, that are left.
  uint64_t leave = 0;
  // Bytes of memory, or threads.
  uint64_t amount = 0;
  // Absolute.
  kj::String directory = {};
  kj::String interface = {};
  // Also what the agent itself needs.
  bool evenOurs = false;
  // What the files of a directory suffer.
  disk::DisturbanceSpec disturbance = {};
  bool losesUnsynced = false;
  // What a relay does to what `interface` sends.
  relay::Shape shape = {};
};

// Has the fields of wire::FaultSpec, and those of wire::Drop unless there is a link or a local
// effect. Threads share it, so it does not change.
struct FaultSpec final : public kj::AtomicRefcounted {
  support::Id id;
  kj::String title;
  // 0: as long as the session.
  int64_t holdNs = 0;
  // In the kernel's spelling, each once.
  kj::Array<kj::String> addresses4;
  kj::Array<kj::String> addresses6;
  kj::Array<kj::String> peers;
  wire::Drop::Protocol protocol = wire::Drop::Protocol::ANY;
  // 0: every port.
  uint16_t port = 0;
  bool fromPort = false;
  // 0: all packets.
  uint32_t partsPerMillion = 0;
  // TCP ports of the peers' agents.
  kj::Array<uint16_t> peerPorts;
  LinkSpec link;
  LocalSpec local;

  bool isLink() const { return link.interface.size() > 0; }
  bool isLocal() const { return local.kind.size() > 0; }
  // Only these are held by the kernel.
  bool isDrop() const { return !isLink() && !isLocal(); }
};

// Returns the checked specification. Fails with kind invalid for a value out of range, and for the
// agent's own port, which is one of `controlPorts`.
kj::Own<const FaultSpec> readSpec(wire::FaultSpec::Reader from,
                                  kj::ArrayPtr<const uint16_t> controlPorts);

// Returns the checked choice. Fails with kind invalid.
ProcessChoice readProcesses(wire::Processes::Reader from);

// Fails with kind invalid if an address is one of this node. Asks the kernel, so it belongs on a
// worker thread.
void requireForeign(const FaultSpec& spec);

// Says what the fault does, such as "drops packets from 10.77.0.12 to port 80".
kj::String describe(const FaultSpec& spec);

// Returns the beginning of the id by which people name a fault.
kj::String shortName(const support::Id& id);

}  // namespace nodeagent::netfault
