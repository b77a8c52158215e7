// Changes of a node that end with a scope or a session, for plain blocking code: which there are,
// how one is made, and how it is taken back before its time.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <muster/change_options.h>
#include <muster/node_error.h>
#include <muster/write_options.h>

#include "harness/rpc/controller_node.h"

namespace harness {

// A change as the agent tells it.
struct ChangeInfo {
  // 32 hexadecimal digits.
  std::string id;
  // "sysctl", "tmpfs", …
  std::string kind;
  // "sets net.ipv4.ip_forward to 1"
  std::string text;
  std::string owner;
  std::chrono::system_clock::time_point since;
  enum class State { kUnspecified, kMaking, kMade, kUndoing, kFailed };
  State state = State::kUnspecified;
  // Why it could not be taken back; empty unless it failed.
  std::string reason;
  std::map<std::string, std::string> details;
};

// "made"
std::string toString(ChangeInfo::State state);

namespace rpc {

// Calls end and throw as those of ControllerNode do.
class Changes {
 public:
  // Borrows `node`.
  explicit Changes(ControllerNode& node) : node_(node) {}

  // Makes a change that is taken back at `undo`. NodeError kInvalid for UndoAt::kNever.
  ChangeInfo make(const muster::ChangeSpec& spec, muster::UndoAt undo, SteadyTime until) const;

  // Takes a change back. False: the node has none of that id.
  bool undo(const std::string& id, SteadyTime until) const;

  std::vector<ChangeInfo> list(SteadyTime until) const;

 private:
  ControllerNode& node_;
};

// Asks all nodes at once, and gives one answer or error for each, in order.
std::vector<std::variant<std::vector<ChangeInfo>, muster::NodeError>> listChanges(
    const std::vector<ControllerNode*>& nodes, SteadyTime until);

}  // namespace rpc
}  // namespace harness
