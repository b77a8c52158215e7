// Judges probes (muster/probe.h): which of them the programs of some runs have, and whether any
// test has met them. The runs may be those of one night, of which each saw a part.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/run/run_record.h"

namespace harness::verdict {

struct ProbeResult {
  enum class State {
    // No test came by.
    kUnreached,
    // Tests came by, and none has met it.
    kMissed,
    kMet,
  };

  std::string component = {};
  std::string name = {};

  // "sometimes" or "reachable".
  std::string kind = {};

  // The first of its places.
  std::string file = {};
  int line = 0;

  State state = State::kUnreached;

  // The ids of the tests that have met it and of those that only came by: COMPONENT/SUITE.NAME, or
  // the component for a set-up or tear-down.
  std::set<std::string> metBy = {};
  std::set<std::string> missedBy = {};
};

// Returns the probes of all programs of the runs, by component and name.
std::vector<ProbeResult> probesOf(const std::vector<const run::RunRecord*>& runs);

// "met", "never true" or "not reached".
std::string wordOf(ProbeResult::State state);

}  // namespace harness::verdict
