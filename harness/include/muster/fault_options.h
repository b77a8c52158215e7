// Says which packets a network fault takes: all of them, those of one protocol or port, or a share
// of them.
//
//   auto deaf = cluster().isolate(victim, {.port = 24007});
//   auto lossy = cluster().partition({{a}, {b}}, {.loss = 0.3});
//
// It does not say between which nodes; that is the business of the calls of Cluster. What they do
// is told in fault.h.
#pragma once

#include <cstdint>

namespace muster {

// A plain value. The default takes every packet.
struct FaultOptions {
  // Names the protocol above IP.
  enum class Protocol { kAny, kTcp, kUdp };

  // Other protocols pass. kAny with a port means TCP and UDP.
  Protocol protocol = Protocol::kAny;

  // Is the port of a service. Packets to it are taken, and those that come from it unless the fault
  // is one-way; all others pass. 0 means every port. It cannot be the one that the agent of a node
  // listens on.
  uint16_t port = 0;

  // Is the share of the packets that are lost, each by chance: from 0.01 to 1, which is all.
  double loss = 1;
};

}  // namespace muster
