#include <string.h>

#include <ostream>
#include <utility>

#include <muster/outcome.h>

#include "schema/support/base/text.h"

namespace muster {
namespace {

std::string signalText(int number) {
  const char* description = sigdescr_np(number);
  std::string text = "signal " + std::to_string(number);
  return description ? text + " (" + description + ")" : text;
}

const char* memoryText(OutOfMemory outOfMemory) {
  if (outOfMemory == OutOfMemory::kYes) return ", by the kernel, because memory ran out";
  if (outOfMemory == OutOfMemory::kPerhaps)
    return ", perhaps by the kernel, because memory ran out";
  return "";
}

}  // namespace

bool Outcome::operator==(const Outcome& other) const {
  return kind_ == other.kind_ && exitStatus_ == other.exitStatus_ && signal_ == other.signal_ &&
         coreDumped_ == other.coreDumped_ && errnoValue_ == other.errnoValue_ &&
         lostReason_ == other.lostReason_ && text_ == other.text_;
}

Outcome Outcome::exited(int exitStatus) {
  Outcome outcome(Kind::kExited);
  outcome.exitStatus_ = exitStatus;
  return outcome;
}

Outcome Outcome::signalled(int signal, CoreDump coreDump, OutOfMemory outOfMemory) {
  Outcome outcome(Kind::kSignalled);
  outcome.signal_ = signal;
  outcome.coreDumped_ = coreDump == CoreDump::kWritten;
  outcome.outOfMemory_ = outOfMemory;
  return outcome;
}

Outcome Outcome::notStarted(int errnoValue, std::string text, StartStep failedStep) {
  Outcome outcome(Kind::kNotStarted);
  outcome.failedStep_ = failedStep;
  outcome.errnoValue_ = errnoValue;
  outcome.text_ = std::move(text);
  return outcome;
}

Outcome Outcome::lost(LostReason reason, std::string text) {
  Outcome outcome(Kind::kLost);
  outcome.lostReason_ = reason;
  outcome.text_ = std::move(text);
  return outcome;
}

Outcome Outcome::killed(Kind kind, int exitStatus, int signal, std::string text) {
  Outcome outcome(kind);
  outcome.signal_ = signal;
  outcome.exitStatus_ = signal ? -1 : exitStatus;
  outcome.text_ = std::move(text);
  return outcome;
}

std::string toString(LostReason reason) {
  switch (reason) {
    case LostReason::kKeeperRestarted:
      return "the agent was restarted";
    case LostReason::kNodeRebooted:
      return "the node was rebooted";
    case LostReason::kSessionExpired:
      return "the session ran out on the node";
    case LostReason::kRecordDamaged:
      return "the agent's record is damaged";
    case LostReason::kSupervisorKilled:
      return "the process that kept it was killed";
    case LostReason::kUnspecified:
      break;
  }
  return "for an unknown reason";
}

std::string toString(const Outcome& outcome) {
  std::string detail = outcome.text().empty() ? "" : ": " + support::printable(outcome.text());
  switch (outcome.kind()) {
    case Outcome::Kind::kExited:
      return "exited with status " + std::to_string(outcome.exitStatus());
    case Outcome::Kind::kSignalled:
      return "killed by " + signalText(outcome.signal()) +
             (outcome.coreDumped() ? ", core dumped" : "") + memoryText(outcome.outOfMemory());
    case Outcome::Kind::kNotStarted:
      return "not started" + detail;
    case Outcome::Kind::kDeadline:
      return "killed at its deadline";
    case Outcome::Kind::kCancelled:
      return "cancelled";
    case Outcome::Kind::kOutputLimit:
      return "killed at its output limit" + detail;
    case Outcome::Kind::kSessionEnded:
      return "killed with its session";
    case Outcome::Kind::kLost:
      break;
  }
  return "lost: " + toString(outcome.lostReason()) + detail;
}

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << toString(outcome);
}

}  // namespace muster
