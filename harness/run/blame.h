// Tells whether a failure is of the tested software or of the machines, from times alone: the first
// error of a test is often the consequence of a node that was lost already.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace harness::run {

// A node of a test that does not answer when the test is over, or did not for a while.
struct NodeLoss {
  std::string node = {};

  // When it answered last.
  std::chrono::steady_clock::time_point lastHeard = {};
  std::string reason = {};
};

// Returns why the test counts as one that could not be tried: a node had answered for the last time
// before the first failure. A node that is lost at the same time counts so, too, since the failure
// may be its consequence. nullopt: the failure is the test's own.
std::optional<std::string> lostBefore(std::chrono::steady_clock::time_point firstFailure,
                                      const std::vector<NodeLoss>& losses);

}  // namespace harness::run
