#include <muster/node_state.h>

#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace muster {

std::string toString(const NodeState& state) {
  auto ago = std::chrono::steady_clock::now() - state.since;
  std::string since = " since " + harness::durationText(ago);
  std::string reason = state.lastError.empty() ? "" : ": " + support::printable(state.lastError);
  switch (state.kind) {
    case NodeState::Kind::kConnecting:
      return "connecting" + since + reason;
    case NodeState::Kind::kConnected:
      return "connected" + since +
             (state.reconnects ? ", after " + std::to_string(state.reconnects) + " reconnects"
                               : "");
    case NodeState::Kind::kReconnecting:
      return "reconnecting" + since + reason;
    case NodeState::Kind::kRefused:
      return "refused" + reason;
    case NodeState::Kind::kClosed:
      break;
  }
  return "closed";
}

}  // namespace muster
