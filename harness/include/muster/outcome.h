// How a command on a node ended. A value: every outcome is something that a test may expect.
//
// An outcome is never confused with "the node could not be asked": that is a NodeError (see
// node_error.h).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace muster {

// Why nobody can know what became of a command.
enum class LostReason {
  kUnspecified,
  kKeeperRestarted,  // The agent was killed and restarted; its memory of the command is gone.
  kNodeRebooted,     // The node came back with another boot id.
  kSessionExpired,  // The node did not hear of us for the lease's time and ended the session, as it
                    // should.
  kRecordDamaged,   // The agent's record of the command on disk cannot be read.
  kSupervisorKilled,  // The process of the agent that kept a detached command was killed.
};

// Whether the kernel killed a command because memory ran out, of its control group or of the node.
enum class OutOfMemory {
  kUnknown,  // The node does not tell.
  kNo,
  kPerhaps,  // The kernel killed some process of the node meanwhile; the node does not tell whose.
  kYes,
};

// Exactly one of these holds for a command that is over.
class Outcome {
 public:
  enum class Kind {
    kExited,        // The process ended by itself: exitStatus().
    kSignalled,     // A signal that Muster did not send ended it: signal(), coreDumped().
    kNotStarted,    // No process of the command ever ran: errnoValue(), text().
    kDeadline,      // Killed by the agent when its allowed time was over.
    kCancelled,     // Killed because its Process was cancelled or destroyed.
    kOutputLimit,   // Killed because it wrote more than OutputOverflow::kKill allows.
    kSessionEnded,  // Killed because the session closed or its lease ran out.
    kLost,          // Cannot be known: lostReason(), text(). It ran at most once.
  };

  enum class CoreDump { kNone, kWritten };

  static Outcome exited(int exitStatus);
  static Outcome signalled(int signal, CoreDump coreDump,
                           OutOfMemory outOfMemory = OutOfMemory::kUnknown);
  static Outcome notStarted(int errnoValue, std::string text);
  static Outcome lost(LostReason reason, std::string text);

  // Of kDeadline, kCancelled, kOutputLimit and kSessionEnded: killed, and how the process ended all
  // the same. Exactly one of `exitStatus` and `signal` is meant: `signal` 0 says that it exited
  // with `exitStatus`.
  static Outcome killed(Kind kind, int exitStatus, int signal);

  Kind kind() const { return kind_; }

  // Exited with status 0.
  bool succeeded() const { return kind_ == Kind::kExited && exitStatus_ == 0; }

  // 0 to 255 if the process exited, also after it was killed politely; -1 otherwise.
  int exitStatus() const { return exitStatus_; }

  // The signal that ended the process, also of the killed kinds; 0: none.
  int signal() const { return signal_; }

  bool coreDumped() const { return coreDumped_; }

  // Of kSignalled, by SIGKILL. Two outcomes that differ in nothing else are equal.
  OutOfMemory outOfMemory() const { return outOfMemory_; }

  // Of kNotStarted; 0: no system call was involved.
  int errnoValue() const { return errnoValue_; }

  // Of kLost; kUnspecified otherwise.
  LostReason lostReason() const { return lostReason_; }

  // What the agent said about kNotStarted and kLost. Empty otherwise.
  const std::string& text() const { return text_; }

  bool operator==(const Outcome& other) const;

 private:
  explicit Outcome(Kind kind) : kind_(kind) {}

  Kind kind_;
  int exitStatus_ = -1;
  int signal_ = 0;
  bool coreDumped_ = false;
  OutOfMemory outOfMemory_ = OutOfMemory::kUnknown;
  int errnoValue_ = 0;
  LostReason lostReason_ = LostReason::kUnspecified;
  std::string text_;
};

// "exited with status 2", "killed by signal 11 (Segmentation fault), core dumped", "lost: the node
// was rebooted" …
std::string toString(const Outcome& outcome);
std::string toString(LostReason reason);

std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

}  // namespace muster
