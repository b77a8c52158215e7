#include "harness/cli/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "harness/os/error.h"
#include "harness/os/signals.h"

namespace harness {
namespace {

std::atomic<int> interruption = 0;

}  // namespace

void noteInterrupt(int number) {
  int none = 0;
  interruption.compare_exchange_strong(none, number);
}

int interruptedBy() {
  return interruption;
}

Interrupt::Interrupt(std::function<void()> unblock)
    : unblock_(std::move(unblock)), over_(makePipe()), unblocked_(makePipe()) {
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
  pollfd polled[] = {{signals_.get(), POLLIN, 0}, {event.get(), POLLIN, 0}};
  while (true) {
    int time = until == Deadline::max() ? -1 : millisecondsUntil(until);
    int ready = ::poll(polled, 2, time);
    if (ready < 0) continue;
    if (ready == 0) return atDeadline;
    signalfd_siginfo info{};
    if (polled[0].revents == 0) return std::nullopt;
    if (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      return static_cast<int>(info.ssi_signo);
    }
  }
}

void Interrupt::watch() {
  std::optional<int> first = signalBefore(over_.readEnd, Deadline::max(), 0);
  if (!first) return;
  noteInterrupt(*first);
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
