// Tells whether somebody has pressed a key on the terminal of this process while a program runs,
// and leaves the terminal as it was found. What a key means is the caller's business.
//
// It listens only where standard input is a terminal whose foreground is the process group of the
// caller, and looks for that again each time: a run in the background neither reads the terminal
// nor changes its mode, and one that is fetched to the foreground begins to listen.
//
// The terminal has its mode again when this is destroyed, while the process is stopped by ^Z, and
// when SIGQUIT or a crash ends the process. One object may live at a time. Used on one thread.
#pragma once

#include <termios.h>

#include <csignal>

#include "harness/os/fd.h"

namespace harness::runner {

class TerminalKeys {
 public:
  enum class Listening { kOff, kOn };

  // kOff: no key is ever pressed, and nothing is changed.
  explicit TerminalKeys(Listening listening);
  ~TerminalKeys();
  TerminalKeys(const TerminalKeys&) = delete;
  TerminalKeys& operator=(const TerminalKeys&) = delete;

  // Takes what was typed since the last call, and returns true if it was anything. Stops the
  // process if ^Z was pressed, and returns when it continues. Does not wait otherwise.
  bool wasPressed();

  // Keys are heard now.
  bool isListening() const { return hasTerminal_; }

 private:
  bool isForeground() const;
  void take();
  void giveBack();
  void stopIfAsked();

  bool isOn_ = false;
  bool hasTerminal_ = false;
  sigset_t before_ = {};

  // Reads SIGTSTP.
  Fd stops_;
};

}  // namespace harness::runner
