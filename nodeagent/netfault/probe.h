// Finds out whether packets reach a peer's kernel, as witness of a fault.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent::netfault {

struct ProbeTarget {
  // IPv4 or IPv6, not link-local.
  kj::String address;
  enum class Protocol { kUdp, kTcp } protocol = Protocol::kUdp;
  uint16_t port = 0;
};

// A port that hardly anything listens on, so that the peer's kernel answers by itself.
constexpr uint16_t kQuietPort = 33469;

// Sends one empty datagram, or one connection request that is closed again, to each target, and
// says for each whether anything came back within `waitNs`, a refusal included. Fails with kind
// invalid for a text that is no address. Blocks for that time, so it belongs on a worker thread.
kj::Array<bool> sendProbes(kj::ArrayPtr<const ProbeTarget> targets, int64_t waitNs);

}  // namespace nodeagent::netfault
