// Says how a command on a node ended. It is a value: every outcome is something that a test may
// expect.
//
//   Result result = node.run({"kvd", "--check"}, {.deadline = 10s});
//   if (result.outcome.kind() == Outcome::Kind::kDeadline) FAIL() << describe(result);
//
// Most tests name the outcome by a matcher (matchers.h), such as ExitedWith(3) or Lost(). An
// outcome is never confused with "the node could not be asked", which is a NodeError
// (node_error.h).
//
// Things to get right:
//   * A signal that Muster itself sent to end a command is no kSignalled: the kinds kDeadline,
//     kCancelled, kOutputLimit and kSessionEnded say why it was sent. A signal that a test sends by
//     Process::signal does count as kSignalled.
//   * kLost is no failure of the command. It may have ended well, have been killed, or never have
//     begun; it ran at most once.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace muster {

// Says why nobody can know what became of a command.
enum class LostReason {
  // The agent did not give a reason.
  kUnspecified,

  // The agent was killed and restarted, and its memory of the command is gone.
  kKeeperRestarted,

  // The node came back with another boot id.
  kNodeRebooted,

  // The node did not hear of us for the lease's time and ended the session, as it should.
  kSessionExpired,

  // The agent's record of the command on disk cannot be read.
  kRecordDamaged,

  // The process of the agent that kept a detached command was killed.
  kSupervisorKilled,
};

// Says at which step a command could not be started.
enum class StartStep {
  // The agent is too old to tell, or there was no such failure.
  kUnspecified,

  // Any step but the next two, such as a limit, or a user that does not exist.
  kOther,

  // The working directory could not be entered.
  kDirectory,

  // The program, or the interpreter that it names, is missing or may not be run.
  kProgram,
};

// Says whether the kernel killed a command because memory ran out, that of its control group or
// that of the node.
enum class OutOfMemory {
  // The node does not tell.
  kUnknown,
  kNo,

  // The kernel killed some process of the node meanwhile, and the node does not tell which.
  kPerhaps,
  kYes,
};

// The end of a command, as a plain value. Exactly one kind holds for a command that is over. Tests
// read outcomes; the functions that make them are for the library and for tests of matchers.
class Outcome {
 public:
  enum class Kind {
    // The process ended by itself, with exitStatus().
    kExited,

    // A signal ended it that Muster did not send for one of the reasons below: signal(),
    // coreDumped(), outOfMemory().
    kSignalled,

    // No process of the command ever ran: errnoValue(), failedStep(), text().
    kNotStarted,

    // The agent killed it when its allowed time was over.
    kDeadline,

    // It was killed because its Process was cancelled or destroyed.
    kCancelled,

    // It was killed because it wrote more than OutputOverflow::kKill allows, or more than a Result
    // holds: text() tells then.
    kOutputLimit,

    // It was killed because the session closed or its lease ran out.
    kSessionEnded,

    // The end cannot be known: lostReason(), text(). The command ran at most once.
    kLost,
  };

  enum class CoreDump { kNone, kWritten };

  static Outcome exited(int exitStatus);
  static Outcome signalled(int signal, CoreDump coreDump,
                           OutOfMemory outOfMemory = OutOfMemory::kUnknown);
  static Outcome notStarted(int errnoValue, std::string text,
                            StartStep failedStep = StartStep::kUnspecified);
  static Outcome lost(LostReason reason, std::string text);

  // Makes an outcome of kind kDeadline, kCancelled, kOutputLimit or kSessionEnded, and says how the
  // killed process ended. `signal` 0 says that it exited with `exitStatus`, which is ignored
  // otherwise.
  static Outcome killed(Kind kind, int exitStatus, int signal, std::string text = "");

  Kind kind() const { return kind_; }

  // Tells whether the process exited with status 0.
  bool succeeded() const { return kind_ == Kind::kExited && exitStatus_ == 0; }

  // Returns 0 to 255 if the process exited, also after it was asked to end by TERM, and -1
  // otherwise.
  int exitStatus() const { return exitStatus_; }

  // Returns the signal that ended the process, whoever sent it. 0 means that none did.
  int signal() const { return signal_; }

  // Tells whether the kernel wrote a core, which is known for kSignalled only.
  bool coreDumped() const { return coreDumped_; }

  // Tells whether the kernel sent SIGKILL because memory ran out. It is known for kSignalled by
  // that signal only. Two outcomes that differ in nothing else are equal.
  OutOfMemory outOfMemory() const { return outOfMemory_; }

  // Returns the errno of kNotStarted. 0 means that no system call was involved.
  int errnoValue() const { return errnoValue_; }

  // Returns the step of the start at which kNotStarted came about, which tells a missing program
  // from a missing directory: both are ENOENT. Two outcomes that differ in nothing else are equal.
  StartStep failedStep() const { return failedStep_; }

  // Returns the reason of kLost, and kUnspecified for all others.
  LostReason lostReason() const { return lostReason_; }

  // Returns what the agent said about kNotStarted and kLost, and which limit of this side a command
  // of kOutputLimit met. It is empty for all others.
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
  StartStep failedStep_ = StartStep::kUnspecified;
  LostReason lostReason_ = LostReason::kUnspecified;
  std::string text_;
};

// Returns "exited with status 2", "killed by signal 11 (Segmentation fault), core dumped", "lost:
// the node was rebooted" and the like.
std::string toString(const Outcome& outcome);
std::string toString(LostReason reason);

std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

// Print the words for gtest.
void PrintTo(Outcome::Kind kind, std::ostream* out);
void PrintTo(Outcome::CoreDump coreDump, std::ostream* out);
void PrintTo(LostReason reason, std::ostream* out);
void PrintTo(OutOfMemory outOfMemory, std::ostream* out);
void PrintTo(StartStep step, std::ostream* out);

}  // namespace muster
