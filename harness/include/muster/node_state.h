// The connection to a node, as it stood when it was asked about: connected or not and why, and how
// the node's clock differs from ours.
//
//   NodeState state = node.state();
//   if (!state.connected()) std::cerr << toString(state) << "\n";
//
// It is a plain value: it does not change when the connection does. See Node::state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace muster {

// How a node's clock stands against ours, as estimated from the calls of the connection itself.
struct ClockEstimate {
  // The node's CLOCK_REALTIME minus ours.
  std::chrono::nanoseconds offset{0};

  // The offset is off by at most this.
  std::chrono::nanoseconds errorMax{0};

  // The time that the newest sample was on the way.
  std::chrono::nanoseconds roundTrip{0};
};

// The connection to a node at one moment.
struct NodeState {
  enum class Kind {
    kConnecting,  // For the first time.
    kConnected,
    kReconnecting,  // Lost, and being tried again for as long as the session is open.
    kRefused,       // The agent does not let us in; not tried again by itself.
    kClosed,
  };

  Kind kind = Kind::kConnecting;

  // When `kind` came to hold.
  std::chrono::steady_clock::time_point since;

  // The last error of the connection, kept when it is back; the reason of kRefused.
  std::string lastError;

  // How many times the connection was established again.
  uint32_t reconnects = 0;

  // As of the last hello. Empty: there was none.
  std::string agentVersion;
  std::string bootId;

  // Absent: nothing was heard since the node was booted.
  std::optional<ClockEstimate> clock;

  // When the node last answered. Absent: it never did.
  std::optional<std::chrono::steady_clock::time_point> lastHeard;

  bool connected() const { return kind == Kind::kConnected; }
};

// "connected", "reconnecting since 4.2 s: heartbeat: no answer within 3.0 s" …
std::string toString(const NodeState& state);

}  // namespace muster
