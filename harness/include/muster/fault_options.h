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
// an error. All but the rate need netem in the node's kernel, or what a relay of the agent needs
// (docs/reference/faults.md): NodeError kUnsupported names what is missing of both. The relay
// leaves the way to the node's agent alone.
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

// Says what the files below a directory suffer. A plain value, whose default asks for nothing,
// which is an error. A write of more than 1 MiB counts as several, of 1 MiB each.
struct DiskDisturbance {
  // Delays each read that the kernel has not cached, each write and each sync, by 10 s at most.
  std::chrono::nanoseconds delay{0};

  // Is the rate of reads and writes together, from 4096. 0 means as fast as the disk is.
  uint64_t bytesPerSecond = 0;

  // Is the first write that fails, counted from 1 over all files. 0 means none.
  uint64_t failFrom = 0;

  // Is how many writes fail from there on. 0 means all.
  uint64_t failCount = 0;

  // Is the error of a write that fails: EIO or ENOSPC.
  enum class WriteError { kIo, kNoSpace };
  WriteError failWith = WriteError::kIo;

  // When the fault ends, the content of each file becomes what was last synced (fsync, fdatasync,
  // O_SYNC), as after a power failure. Names are kept: a file that was made exists, and is empty.
  bool losesUnsynced = false;

  bool operator==(const DiskDisturbance&) const = default;
};

}  // namespace muster
