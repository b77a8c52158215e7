// Lets a command come to its end when a signal interrupts it, and the program end by that signal.
#pragma once

#include <signal.h>
#include <termios.h>

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "harness/os/fd.h"
#include "harness/os/wait.h"

namespace harness {

// Names a descriptor that a program gives to the command: the read end of a pipe whose write end
// only that program holds. When it ends, however that happens, the command ends as by SIGTERM.
inline constexpr char kLifelineVariable[] = "MUSTER_LIFELINE";

// While it lives, SIGINT, SIGTERM and SIGHUP do not end the program at once.
//
// The first one calls `unblock` in a thread of its own, which makes the calls fail that the command
// waits for, so that it unwinds: the terminal is restored, and texts are whole. runMuster then ends
// the program by the signal. Without waiting for that, a second signal ends it, and so does the end
// of kUnwindTime.
class Interrupt {
 public:
  static constexpr std::chrono::seconds kUnwindTime{5};

  // Make it before other threads are made that do not block these signals, and before the mode of
  // the terminal is changed. Throws SystemError, and CommandError for a wrong $MUSTER_LIFELINE.
  explicit Interrupt(std::function<void()> unblock);

  // Waits for `unblock`, if that is being called.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

 private:
  // Waits until the other end of `event` is closed, which gives nothing, or for a signal. Returns
  // `atDeadline` at `until`.
  std::optional<int> signalBefore(const Fd& event, Deadline until, int atDeadline) const;
  void watch();
  [[noreturn]] void endNow(int number) const;

  std::function<void()> unblock_;
  sigset_t before_;
  Fd signals_;

  // Is -1 if nobody gave one, and when its end was seen. It stays open.
  int lifeline_ = -1;
  Pipe over_;
  Pipe unblocked_;

  // The mode of the terminal of standard input, if it is one.
  termios terminal_{};
  bool hasTerminal_ = false;
  std::thread watcher_;
};

// Notes that a signal has interrupted the command, for runMuster.
void noteInterrupt(int number);

// Returns the first signal that has interrupted the command; 0 if none has.
int interruptedBy();

}  // namespace harness
