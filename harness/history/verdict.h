// Says how a result of a run counts in the history of its test. What a result is, and whether a run
// is green, is said by harness/run/outcome.h.
#pragma once

#include "harness/run/outcome.h"

namespace harness::history {

enum class Verdict {
  // It ran, and in the end nothing of it failed.
  kPass,
  // It ran and failed.
  kFail,
  // It says nothing about the test: skipped, not run, cancelled, or ended by nodes or set-up.
  kNone,
};

// A test that failed as a waiver foretells has failed; one that passed at another attempt, and one
// that passed against a waiver, have passed.
Verdict verdictOf(run::Outcome outcome);

}  // namespace harness::history
