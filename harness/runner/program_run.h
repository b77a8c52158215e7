// Runs one program to its end, and passes on the signals that would end us: none of them leaves the
// program behind. It knows nothing of tests; what does watches.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

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

  // It did not end after a signal that we were sent, or when it was asked to, and was killed.
  bool overdue = false;

  // The number of signals that we were sent.
  int signals = 0;

  // It was killed by the third of them.
  bool insisted = false;

  // The first signal that we were sent. 0: none was.
  int stoppedBy = 0;

  // Why the watcher has ended it. Empty: it has not.
  std::string ended;

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

  // Takes one of the signals that have come while no program ran. 0: there is none.
  int take() const;

 private:
  friend class ProgramWaiter;
  sigset_t before_;
  Fd queue_;
};

// Whose a ^C at the terminal is, which all of its programs are sent.
enum class TerminalInterrupts { kOurs, kOthers };

struct ProgramWatch {
  // Called once, when the program has been started. Unset: nobody wants to know.
  std::function<void(pid_t pid)> started;

  // Called at least each `every`. Returns why the program is to end now; empty: it goes on.
  // `takeOutput` passes on what the program has written before it is called.
  std::function<std::string(const std::function<void()>& takeOutput)> look;
  std::chrono::nanoseconds every = std::chrono::milliseconds(50);

  // Returns the process of a program that another one runs which we have started; it is sent the
  // same signals. 0: there is none. Unset: there never is.
  std::function<pid_t()> inner;
  TerminalInterrupts interruptsAre = TerminalInterrupts::kOurs;

  // What the program writes, until nobody has the pipe open or it has ended. Unset: it has our own
  // standard output and error.
  std::function<void(std::string_view bytes)> output;
};

// Runs a program until it has ended. SIGTERM asks it to when `watch` says so, and the first two
// signals that we are sent are passed on; what does not end then is killed. The program has the
// signal mask from before `interrupts`.
ProgramEnding runProgram(SpawnOptions start, const ProgramWatch& watch,
                         const Interrupts& interrupts);

// Returns our own environment with `changes` made to it, as SpawnOptions takes it. An empty value
// takes a variable away.
std::vector<std::string> environmentWith(const std::map<std::string, std::string>& changes);

}  // namespace harness
