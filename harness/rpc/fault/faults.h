// The faults of single nodes, for plain blocking code: which there are, and their end; and the
// processes that are killed. injected_fault.h has faults that cover several nodes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <muster/node_error.h>
#include <muster/process_choice.h>

#include "harness/rpc/controller_node.h"

namespace harness {

// One node's part of a fault, as its agent tells it.
struct FaultInfo {
  // 32 hexadecimal digits, the same on every node of the fault.
  std::string id;
  // "partition", "isolate", "pause".
  std::string title;
  enum class State { kUnspecified, kSettingUp, kActive, kRecovering, kGone, kFailed };
  State state = State::kUnspecified;
  std::chrono::system_clock::time_point since;
  // Until it ends by itself: of its time, or of its session's lease.
  std::chrono::nanoseconds remaining{0};
  // It has a time of its own, and belongs to no session.
  bool isHeld = false;
  std::string owner;
  std::vector<std::string> peers;
  // "drops packets from 10.77.0.12"
  std::string text;
  // Dropped so far.
  uint64_t packets = 0;
  uint64_t bytes = 0;
  // Why it failed; empty unless it did.
  std::string reason;
  // What the node has just seen of it; empty where the numbers say it.
  std::string witness;
};

// "active"
std::string toString(FaultInfo::State state);

struct FaultHealed {
  // False: the node had no such fault.
  bool isFound = false;
  // Its last figures, if it was found.
  FaultInfo last;
  // How many faults the node still has.
  unsigned others = 0;
};

// A process that was killed.
struct ProcessName {
  int pid = 0;
  std::string name;
};

namespace rpc {

// Kills processes on all nodes at once, and gives one answer or error for each, in order.
std::vector<std::variant<std::vector<ProcessName>, muster::NodeError>> killProcesses(
    const std::vector<ControllerNode*>& nodes, const muster::ProcessChoice& processes,
    SteadyTime until);

// Both ask all nodes at once, and give one answer or error for each, in order. A healed fault is
// one of which the node's kernel has shown that nothing is left.
std::vector<std::variant<std::vector<FaultInfo>, muster::NodeError>> listFaults(
    const std::vector<ControllerNode*>& nodes, SteadyTime until);
std::vector<std::variant<FaultHealed, muster::NodeError>> healFault(
    const std::vector<ControllerNode*>& nodes, const std::string& id, SteadyTime until);

}  // namespace rpc
}  // namespace harness
