// Carries connections between sockets of this machine and of a node, for plain blocking code: one
// side listens, and each connection there is connected on the other.
//
// The bytes go by offset over the connection to the agent, so that they outlive a loss of it. When
// the session is gone, its streams are cut, and a listener on the node is made again.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

enum class ForwardWay {
  // We listen here, and the node connects.
  kToNode,

  // The node listens, and we connect.
  kFromNode,
};

// Reads "PORT", "HOST:PORT", "[IPV6]:PORT" or an absolute path, and returns an endpoint such as
// "tcp:127.0.0.1:80" or "unix:/run/kvd.sock". A port alone, and "localhost", are of 127.0.0.1.
// Throws std::invalid_argument with what is wrong and what would be right.
std::string forwardEndpoint(const std::string& text);

struct ForwardPlan {
  ForwardWay way = ForwardWay::kToNode;

  // Endpoints. Port 0 at `listen` lets the kernel choose; it must be a loopback address.
  std::string listen;
  std::string target;
};

struct ForwardNumbers {
  uint32_t open = 0;
  uint64_t accepted = 0;

  // The last failure of a connection, or of the listener; empty: there was none.
  std::string failure;
};

// Valid as long as the node. Destruction ends it.
class RunningForward {
 public:
  // Listens, and fails as NodeError if that is not possible. It belongs to the innermost scope of
  // the node's controller.
  static RunningForward begin(ControllerNode& node, const ForwardPlan& plan, SteadyTime until);
  ~RunningForward();
  RunningForward(RunningForward&& other) noexcept;
  RunningForward& operator=(RunningForward&& other) noexcept;

  const ForwardPlan& plan() const { return plan_; }
  const std::string& node() const;

  // Returns the endpoint that is listened at, with the port that the kernel chose.
  const std::string& bound() const { return bound_; }

  ForwardNumbers numbers() const;

 private:
  class OnLoop;
  struct Shared;

  RunningForward(ControllerNode& node, ForwardPlan plan);
  void end() noexcept;

  ControllerNode* node_;
  ForwardPlan plan_;
  std::string bound_;

  // Shared with the io thread. Null: moved from.
  std::shared_ptr<Shared> shared_;
};

}  // namespace harness::rpc
