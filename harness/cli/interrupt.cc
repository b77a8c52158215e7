#include "harness/cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "harness/cli/command_error.h"
#include "harness/os/error.h"
#include "harness/os/signals.h"

namespace harness {
namespace {

std::atomic<int> interruption = 0;

// Returns -1 if there is none. What the command starts does not inherit it.
int lifelineOf(const char* text) {
  if (text == nullptr) return -1;
  std::string_view digits = text;
  int number = -1;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool isNumber = error == std::errc() && end == digits.data() + digits.size() && number >= 0;
  if (!isNumber || ::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
    throw CommandError(kExitUsage, std::string(kLifelineVariable) + ": \"" + text +
                                       "\" is to be the number of an open descriptor");
  }
  return number;
}

}  // namespace

void noteInterrupt(int number) {
  int none = 0;
  interruption.compare_exchange_strong(none, number);
}

int interruptedBy() {
  return interruption;
}

Interrupt::Interrupt(std::function<void()> unblock)
    : unblock_(std::move(unblock)),
      lifeline_(lifelineOf(std::getenv(kLifelineVariable))),
      over_(makePipe()),
      unblocked_(makePipe()) {
  hasTerminal_ = ::tcgetattr(STDIN_FILENO, &terminal_) == 0;
  sigset_t set = signalSet(endingSignals());
  signals_ = Fd(static_cast<int>(check(::signalfd(-1, &set, SFD_CLOEXEC), "read signals")));
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  over_.writeEnd.reset();
  watcher_.join();
  // What came too late for the watcher ends the program here.
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> Interrupt::signalBefore(const Fd& event, Deadline until, int atDeadline) const {
  pollfd polled[] = {{signals_.get(), POLLIN, 0}, {event.get(), POLLIN, 0}, {lifeline_, POLLIN, 0}};
  while (true) {
    int time = until == Deadline::max() ? -1 : millisecondsUntil(until);
    int ready = ::poll(polled, 3, time);
    if (ready < 0) continue;
    if (ready == 0) return atDeadline;
    signalfd_siginfo info{};
    if (polled[0].revents == 0) {
      if (polled[1].revents != 0) return std::nullopt;
      return SIGTERM;
    }
    if (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      return static_cast<int>(info.ssi_signo);
    }
  }
}

void Interrupt::watch() {
  std::optional<int> first = signalBefore(over_.readEnd, Deadline::max(), 0);
  if (!first) return;
  noteInterrupt(*first);
  // Its end stays readable, and a second signal would end the program at once.
  lifeline_ = -1;
  // It waits for nodes, so that somebody else listens for the second signal.
  std::thread unblocker([this] {
    unblock_();
    unblocked_.writeEnd.reset();
  });
  Deadline until = after(kUnwindTime);
  for (const Fd* event : {&unblocked_.readEnd, &over_.readEnd}) {
    if (auto number = signalBefore(*event, until, *first)) endNow(*number);
  }
  unblocker.join();
}

// The command may be anywhere, so that only what its user needs is put right.
void Interrupt::endNow(int number) const {
  // A terminal stops those in the background who change its mode, unless they block this.
  sigset_t set = signalSet({SIGTTOU});
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  if (hasTerminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_);
  endBySignal(number);
}

}  // namespace harness
