// A process of the agent that makes what the node sends by one interface late, doubled, out of
// order, damaged or slow, on kernels without netem. What the kernel would send passes through it:
//
//   kernel -> filter of what the interface sends (link_filter.h) -> TAP device -> schedule.h
//          -> packet socket -> interface
//
// Device and filter belong to the process, so the kernel takes both away with it, however it ends,
// and the interface sends as before. What it has held until then is sent at once if it is told to
// end, and lost if it is killed.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "nodeagent/relay/schedule.h"

namespace nodeagent::relay {

// A keeper starts a relay as PROGRAM kRelayArgument and the words of relayWords(). It makes nothing
// until it reads a byte from its standard input. Its standard error is a file in memory of
// kStatusBytes that it keeps a RelayStatus in. It ends on SIGTERM, and once its keeper is gone.
constexpr const char* kRelayArgument = "--relay";

struct RelaySpec {
  std::string interface;
  // The kernel's number of the interface. 0: there is none, which the relay says.
  unsigned index = 0;
  Shape shape = {};
  // TCP packets from these ports pass by the relay: by them controllers reach the node.
  std::vector<uint16_t> controlPorts = {};
  // Who starts the relay. It ends at once if its parent is another.
  pid_t keeper = 0;
};

std::vector<std::string> relayWords(const RelaySpec& spec);

// Returns the name of the TAP device for the interface of this number. An interface has one relay,
// since the kernel has no two devices of a name.
std::string tapName(unsigned index);

// What a relay tells of itself. Each field is written whole, at any time.
struct RelayStatus {
  enum class State : uint64_t { kStarting, kServing, kOver, kFailed };

  State state = State::kStarting;
  uint64_t taken = 0;
  uint64_t takenBytes = 0;
  uint64_t delayed = 0;
  uint64_t duplicated = 0;
  uint64_t overtaking = 0;
  uint64_t damaged = 0;
  // The rate or the queue did not allow them.
  uint64_t lost = 0;
  // The interface did not take them.
  uint64_t refused = 0;
  uint64_t held = 0;
  // How long the frame was held that the relay has sent to itself at first; 0: it still is.
  uint64_t probeHeldNs = 0;
  // The process of nft that holds the filter.
  uint64_t nftPid = 0;
  uint64_t nftStartTicks = 0;
  // With state kFailed: a wire::Error::Kind, and the reason.
  uint64_t failureKind = 0;
  char failureText[512] = {};
};
constexpr size_t kStatusBytes = sizeof(RelayStatus);

// Reads what the relay tells that has `file` open. Returns whether there is one.
bool readStatus(int file, RelayStatus& status);

// Runs the relay and returns its exit status.
int runRelay(const std::vector<std::string>& words);

}  // namespace nodeagent::relay
