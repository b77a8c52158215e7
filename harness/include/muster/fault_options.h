// Says which packets a network fault takes: all of them, those of one protocol or port, or a share
// of them; or in which way what a node sends becomes slow or unreliable.
//
//   auto deaf = cluster().isolate(victim, {.port = 24007});
//   auto lossy = cluster().partition({{a}, {b}}, {.loss = 0.3});
//   auto slow = cluster().degrade(victim, {.bitsPerSecond = 1'000'000});
//
// It does not say which nodes; that is the business of the calls of Cluster. What they do is told
// in fault.h.
#pragma once

#include <chrono>
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

// Says how what a node sends becomes worse. A plain value, whose default asks for nothing, which is
// an error. All but the rate need netem in the node's kernel: NodeError kUnsupported names it where
// it is missing.
struct Degradation {
  // Is the rate of everything that the node sends, from 8 kbit/s to 100 Gbit/s. A packet that would
  // wait for more than 400 ms is lost. 0 means as fast as it is.
  uint64_t bitsPerSecond = 0;

  // Delay each packet by this time, give or take the jitter, both 60 s at most.
  std::chrono::nanoseconds delay{0};
  std::chrono::nanoseconds jitter{0};

  // Are shares of the packets, from 0 to 1: those that are sent twice, those that overtake the
  // delayed ones, and those that get a wrong bit. Jitter and reordering need a delay.
  double duplicate = 0;
  double reorder = 0;
  double corrupt = 0;
};

}  // namespace muster
