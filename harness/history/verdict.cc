#include "harness/history/verdict.h"

namespace harness::history {

Verdict verdictOf(run::Outcome outcome) {
  switch (outcome) {
    case run::Outcome::kPassed:
    case run::Outcome::kFlaky:
    case run::Outcome::kUnexpectedlyPassed:
      return Verdict::kPass;
    case run::Outcome::kFailed:
    case run::Outcome::kCrashed:
    case run::Outcome::kTimedOut:
    case run::Outcome::kWaived:
    case run::Outcome::kPolluted:
      return Verdict::kFail;
    case run::Outcome::kInfrastructure:
    case run::Outcome::kSkipped:
    case run::Outcome::kCancelled:
    case run::Outcome::kNotRun:
      break;
  }
  return Verdict::kNone;
}

}  // namespace harness::history
