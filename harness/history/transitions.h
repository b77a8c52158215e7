// Says how a test changed from run to run: it is new, it began to fail, it is fixed, it is gone.
// How often it fails is said by change_point.h, and whether it is flaky by flake_rate.h.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "harness/history/verdict.h"
#include "harness/run/outcome.h"

namespace harness::history {

enum class Transition {
  kNone,
  // No earlier run has the test.
  kNew,
  // It failed, and before that it passed.
  kRegressed,
  // It passed, and before that it failed.
  kFixed,
  // It failed in another way than before, such as by a crash after failed assertions.
  kChanged,
};

// "new", "regressed" and so on. Empty: kNone.
std::string_view wordOf(Transition transition);

// Returns the transition at each of the outcomes, which are in the order of the runs. An outcome
// without a verdict (verdict.h) has kNone and is passed over: a test that was skipped between two
// passes has not changed. The first outcome with a verdict is kNew.
std::vector<Transition> transitionsOf(const std::vector<run::Outcome>& outcomes);

// One run of the test's component, or of its program, for goneSince().
struct Presence {
  bool hasTest = false;
  // The number of tests of the component that the run has.
  size_t tests = 0;
};

// Returns the place of the first run without the test, if it is gone; nullopt: it is not. The runs
// are those with tests of its component, in their order. A run that was asked for few tests does
// not make the others gone: one counts only if it has at least half as many tests of the component
// as the last run that has the test.
std::optional<size_t> goneSince(const std::vector<Presence>& runs);

}  // namespace harness::history
