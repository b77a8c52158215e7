#include "harness/runner/terminal_keys.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <iterator>

#include "harness/os/error.h"
#include "harness/os/signals.h"

namespace harness::runner {
namespace {

constexpr int kDeadly[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// The terminal belongs to the process, and so does what a handler of its signals must know: there
// is no other way to it than a static.
termios found;
struct sigaction handlersBefore[std::size(kDeadly)];

extern "C" void restoreAndDie(int number) {
  ::tcsetattr(STDIN_FILENO, TCSANOW, &found);
  // The handler is gone (SA_RESETHAND), and the signal is blocked until this returns.
  ::raise(number);
}

void watchForDeath() {
  struct sigaction action = {};
  action.sa_handler = restoreAndDie;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  // A terminal stops those in the background that change its mode, unless they block this.
  ::sigemptyset(&action.sa_mask);
  ::sigaddset(&action.sa_mask, SIGTTOU);
  for (size_t i = 0; i < std::size(kDeadly); ++i) {
    ::sigaction(kDeadly[i], &action, &handlersBefore[i]);
  }
}

void forgetDeath() {
  for (size_t i = 0; i < std::size(kDeadly); ++i) {
    ::sigaction(kDeadly[i], &handlersBefore[i], nullptr);
  }
}

// One that is ignored, as in a shell without job control, stays ignored.
bool stopsUs() {
  struct sigaction action = {};
  ::sigaction(SIGTSTP, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}

}  // namespace

TerminalKeys::TerminalKeys(Listening listening) {
  if (listening == Listening::kOff || ::isatty(STDIN_FILENO) != 1) return;
  isOn_ = true;
  // SIGTTIN and SIGTTOU: we may lose the foreground at any moment, and are not to be stopped by
  // that. SIGTSTP: the terminal is given back before we stop.
  sigset_t set = signalSet({SIGTTIN, SIGTTOU});
  if (stopsUs()) {
    sigset_t stop = signalSet({SIGTSTP});
    stops_ = Fd(
        static_cast<int>(check(::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK), "read SIGTSTP")));
    ::sigaddset(&set, SIGTSTP);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  take();
}

TerminalKeys::~TerminalKeys() {
  if (!isOn_) return;
  giveBack();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool TerminalKeys::isForeground() const {
  return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

// Signals of the terminal, such as ^C, stay what they are.
void TerminalKeys::take() {
  if (!isForeground() || ::tcgetattr(STDIN_FILENO, &found) != 0) return;
  termios listening = found;
  listening.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  listening.c_cc[VMIN] = 1;
  listening.c_cc[VTIME] = 0;
  watchForDeath();
  hasTerminal_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &listening) == 0;
  if (!hasTerminal_) forgetDeath();
}

// Whoever has the foreground now has also set the mode, and keeps it.
void TerminalKeys::giveBack() {
  if (!hasTerminal_) return;
  if (isForeground()) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &found);
  forgetDeath();
  hasTerminal_ = false;
}

void TerminalKeys::stopIfAsked() {
  signalfd_siginfo info;
  if (!stops_ || ::read(stops_.get(), &info, sizeof info) != sizeof info) return;
  giveBack();
  // The default action stops us where the signal is let in, and SIGCONT goes on behind it.
  sigset_t stop = signalSet({SIGTSTP});
  ::raise(SIGTSTP);
  ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

bool TerminalKeys::wasPressed() {
  if (!isOn_) return false;
  stopIfAsked();
  if (hasTerminal_ && !isForeground()) giveBack();
  if (!hasTerminal_) take();
  if (!hasTerminal_) return false;
  bool isPressed = false;
  pollfd watched{STDIN_FILENO, POLLIN, 0};
  char keys[64];
  // A key such as an arrow is several bytes, which come together.
  while (::poll(&watched, 1, 0) == 1 && (watched.revents & POLLIN) != 0) {
    ssize_t count = ::read(STDIN_FILENO, keys, sizeof keys);
    if (count <= 0) break;
    isPressed = true;
    if (count < static_cast<ssize_t>(sizeof keys)) break;
  }
  return isPressed;
}

}  // namespace harness::runner
