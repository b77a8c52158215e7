#include "harness/runner/program_run.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/os/error.h"
#include "harness/os/signals.h"

namespace harness {
namespace {

// The time after a second signal, upon which muster::main gives its tests up.
constexpr std::chrono::seconds kInsistGrace{8};

}  // namespace

Interrupts::Interrupts() {
  sigset_t set = signalSet({SIGINT, SIGTERM, SIGHUP});
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  queue_ =
      Fd(static_cast<int>(check(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "read signals")));
}

Interrupts::~Interrupts() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupts::take(const Child& program, ProgramEnding& ending, Deadline& deadline) const {
  signalfd_siginfo info;
  while (::read(queue_.get(), &info, sizeof info) == sizeof info) {
    int number = static_cast<int>(info.ssi_signo);
    if (++ending.signals > 2) {
      program.signal(SIGKILL);
      ending.insisted = true;
      continue;
    }
    if (ending.signals == 1) ending.stoppedBy = number;
    deadline = std::min(deadline, after(ending.signals == 1 ? kStopGrace : kInsistGrace));
    // A terminal sends its signals to the program as well.
    if (info.ssi_code != SI_KERNEL) program.signal(number);
  }
}

// Signals are taken over before the program exists, so that none of them ends us and leaves it
// behind.
ProgramEnding runProgram(SpawnOptions start, std::chrono::nanoseconds timeMax,
                         const Interrupts& interrupts) {
  ProgramEnding ending;
  start.blocked = interrupts.before_;
  Child child;
  try {
    child = spawn(start);
  } catch (const SystemError& error) {
    ending.problem = std::string("cannot be started: ") + std::strerror(error.number());
    return ending;
  }
  Deadline deadline = after(timeMax);
  while (true) {
    pollfd watched[] = {{child.handle(), POLLIN, 0}, {interrupts.queue_.get(), POLLIN, 0}};
    int count = ::poll(watched, 2, millisecondsUntil(deadline));
    if (count < 0 && errno == EINTR) continue;
    if (watched[1].revents != 0) interrupts.take(child, ending, deadline);
    if (watched[0].revents != 0) break;
    if (std::chrono::steady_clock::now() < deadline) continue;
    if (ending.overdue || ending.stoppedBy != 0) {
      // The nodes that the program owns end with it.
      child.signal(SIGKILL);
      ending.overdue = true;
      break;
    }
    ending.overdue = true;
    deadline = after(kStopGrace);
    child.signal(SIGTERM);
  }
  ending.status = child.endBy(Deadline::max());
  return ending;
}

}  // namespace harness
