// Runs one program to its end, and passes on the signals that would end us: none of them leaves the
// program behind. It knows nothing of tests.
#pragma once

#include <signal.h>

#include <chrono>
#include <string>

#include "harness/os/fd.h"
#include "harness/os/process.h"
#include "harness/os/wait.h"

namespace harness {

// The time from the signal that asks a program to end until the one that kills it. It is longer
// than muster::main takes at most (harness/fixture/ending_signals.h).
constexpr std::chrono::seconds kStopGrace{25};

struct ProgramEnding {
  // From waitpid; -1: the program was not started.
  int status = -1;

  // Its time was over, or it did not end after a signal that we were sent.
  bool overdue = false;

  // The number of signals that we were sent.
  int signals = 0;

  // It was killed by the third of them.
  bool insisted = false;

  // The first signal that we were sent. 0: none was.
  int stoppedBy = 0;

  // Says why it was not started. Empty: it was.
  std::string problem;
};

// While it lives, SIGINT, SIGTERM and SIGHUP do not end us, but are for runProgram(). One that it
// has not read ends us when this is destroyed. Make it where no other thread takes these signals.
class Interrupts {
 public:
  // Throws SystemError.
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  friend ProgramEnding runProgram(SpawnOptions start, std::chrono::nanoseconds timeMax,
                                  const Interrupts& interrupts);

  // The first two signals ask the program to end in a while and soon; the third one kills it.
  void take(const Child& program, ProgramEnding& ending, Deadline& deadline) const;

  sigset_t before_;
  Fd queue_;
};

// Runs a program until it has ended. SIGTERM asks it to when `timeMax` is over, and the first two
// signals that we are sent are passed on; what does not end then is killed. The program has the
// signal mask from before `interrupts`.
ProgramEnding runProgram(SpawnOptions start, std::chrono::nanoseconds timeMax,
                         const Interrupts& interrupts);

}  // namespace harness
