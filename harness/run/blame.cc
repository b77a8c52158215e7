#include "harness/run/blame.h"

#include <cstdio>

namespace harness::run {

std::optional<std::string> lostBefore(std::chrono::steady_clock::time_point firstFailure,
                                      const std::vector<NodeLoss>& losses) {
  for (const NodeLoss& loss : losses) {
    if (loss.lastHeard > firstFailure) continue;
    double seconds = std::chrono::duration<double>(firstFailure - loss.lastHeard).count();
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", seconds);
    return "node " + loss.node + " was lost before the first failure: it answered last " + text +
           " earlier" + (loss.reason.empty() ? "" : " (" + loss.reason + ")");
  }
  return std::nullopt;
}

}  // namespace harness::run
