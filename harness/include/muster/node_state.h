// Tells how the connection to a node stood when it was asked about: connected or not and why, and
// how the node's clock differs from ours.
//
//   NodeState state = node.state();
//   if (!state.connected()) std::cerr << toString(state) << "\n";
//
// It is a plain value: it does not change when the connection does. It says nothing about services
// on the node. See Node::state.
//
// Things to get right:
//   * `connected()` may be true for a few seconds after a node froze or lost its power, until a
//     heartbeat is missed. Node::awaitDisconnected waits for that.
//   * No test needs to look before it calls: calls wait for the connection by themselves.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace muster {

// Tells how a node's clock stands against ours, as estimated from the calls of the connection
// itself.
struct ClockEstimate {
  // Is the node's CLOCK_REALTIME minus ours.
  std::chrono::nanoseconds offset{0};

  // The offset is off by at most this.
  std::chrono::nanoseconds errorMax{0};

  // Is the time that the newest sample was on the way, there and back.
  std::chrono::nanoseconds roundTrip{0};
};

// Describes the connection to a node at one moment.
struct NodeState {
  enum class Kind {
    // The connection is being tried for the first time.
    kConnecting,
    kConnected,

    // The connection was lost, and is tried again for as long as the session is open.
    kReconnecting,

    // The agent does not let us in. This is not tried again by itself.
    kRefused,

    // This program has closed the connection.
    kClosed,
  };

  Kind kind = Kind::kConnecting;

  // Is the time when `kind` came to hold, by our clock.
  std::chrono::steady_clock::time_point since = {};

  // Is the last error of the connection, kept when it is back, and the reason of kRefused. Empty
  // means that there was none.
  std::string lastError = {};

  // Counts how often the connection was established again.
  uint32_t reconnects = 0;

  // Are the agent's version and the node's boot id, as of the last hello. Empty means that there
  // was none.
  std::string agentVersion = {};
  std::string bootId = {};

  // Absent means that nothing was heard since the node was booted.
  std::optional<ClockEstimate> clock = {};

  // Is the time when the node last answered, by our clock. Absent means that it never did.
  std::optional<std::chrono::steady_clock::time_point> lastHeard = {};

  bool connected() const { return kind == Kind::kConnected; }
};

// Returns "connected", "reconnecting since 4.2 s: heartbeat: no answer within 3.0 s" and the like.
std::string toString(const NodeState& state);

// Print state and estimate for gtest.
void PrintTo(NodeState::Kind kind, std::ostream* out);
void PrintTo(const NodeState& state, std::ostream* out);
void PrintTo(const ClockEstimate& clock, std::ostream* out);

}  // namespace muster
