#include "harness/runner/program_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "harness/os/error.h"
#include "harness/os/signals.h"

namespace harness {
namespace {

// The time after a second signal, upon which muster::main gives its tests up.
constexpr std::chrono::seconds kInsistGrace{8};

constexpr size_t kReadBytes = 64 << 10;
constexpr int kReadsMax = 64;

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

int Interrupts::take() const {
  signalfd_siginfo info;
  if (::read(queue_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

// Waits for one program.
class ProgramWaiter {
 public:
  ProgramWaiter(const ProgramWatch& watch, const Interrupts& interrupts)
      : watch_(watch), interrupts_(interrupts) {}

  // Signals are taken over before the program exists, so that none of them ends us and leaves it
  // behind.
  ProgramEnding run(SpawnOptions start) {
    start.blocked = interrupts_.before_;
    Pipe pipe;
    if (watch_.output) {
      pipe = makePipe();
      start.output = start.errors = pipe.writeEnd.get();
      ::fcntl(pipe.readEnd.get(), F_SETFL, O_NONBLOCK);
    }
    try {
      child_ = spawn(start);
    } catch (const SystemError& error) {
      ending_.problem = std::string("cannot be started: ") + std::strerror(error.number());
      return ending_;
    }
    if (watch_.started) watch_.started(child_.pid());
    pipe.writeEnd.reset();
    output_ = std::move(pipe.readEnd);
    while (!step()) {
    }
    ending_.status = child_.endBy(Deadline::max());
    // What it has left running may have the pipe open: only what is there is read.
    readOutput();
    return ending_;
  }

 private:
  // Returns true when the program has ended.
  bool step() {
    Deadline next = after(watch_.every);
    if (killAt_) next = std::min(next, *killAt_);
    pollfd watched[] = {{child_.handle(), POLLIN, 0},
                        {interrupts_.queue_.get(), POLLIN, 0},
                        {output_.get(), POLLIN, 0}};
    int count = ::poll(watched, output_ ? 3 : 2, millisecondsUntil(next) + 1);
    if (count < 0 && errno == EINTR) return false;
    if (watched[1].revents != 0) takeSignals();
    if (output_ && watched[2].revents != 0) readOutput();
    if (watched[0].revents != 0) return true;
    look();
    if (!killAt_ || std::chrono::steady_clock::now() < *killAt_) return false;
    // The nodes that the program owns end with it.
    signal(SIGKILL);
    ending_.overdue = true;
    return true;
  }

  void look() {
    if (!watch_.look) return;
    std::string reason = watch_.look([this] { readOutput(); });
    if (reason.empty() || !ending_.ended.empty() || ending_.stoppedBy != 0) return;
    ending_.ended = reason;
    killAt_ = after(kStopGrace);
    signal(SIGTERM);
  }

  // A tracer may keep a signal to itself.
  void signal(int number) {
    pid_t inner = watch_.inner ? watch_.inner() : 0;
    if (inner > 0 && inner != child_.pid()) ::kill(inner, number);
    child_.signal(number);
  }

  void takeSignals() {
    signalfd_siginfo info;
    while (::read(interrupts_.queue_.get(), &info, sizeof info) == sizeof info) {
      int number = static_cast<int>(info.ssi_signo);
      bool isTyped = info.ssi_code == SI_KERNEL && number == SIGINT;
      if (isTyped && watch_.interruptsAre == TerminalInterrupts::kOthers) continue;
      if (++ending_.signals > 2) {
        signal(SIGKILL);
        ending_.insisted = true;
        continue;
      }
      if (ending_.signals == 1) ending_.stoppedBy = number;
      Deadline end = after(ending_.signals == 1 ? kStopGrace : kInsistGrace);
      killAt_ = killAt_ ? std::min(*killAt_, end) : end;
      // A terminal sends its signals to the program as well.
      if (info.ssi_code != SI_KERNEL) signal(number);
    }
  }

  // A program that never stops writing does not keep us from looking.
  void readOutput() {
    char buffer[kReadBytes];
    for (int turn = 0; turn < kReadsMax && output_; ++turn) {
      ssize_t count = ::read(output_.get(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        output_.reset();
        return;
      }
      watch_.output({buffer, static_cast<size_t>(count)});
    }
  }

  const ProgramWatch& watch_;
  const Interrupts& interrupts_;
  ProgramEnding ending_;
  Child child_;
  Fd output_;
  std::optional<Deadline> killAt_;
};

ProgramEnding runProgram(SpawnOptions start, const ProgramWatch& watch,
                         const Interrupts& interrupts) {
  return ProgramWaiter(watch, interrupts).run(std::move(start));
}

std::vector<std::string> environmentWith(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string variable = *entry;
    if (changes.count(variable.substr(0, variable.find('='))) == 0) all.push_back(variable);
  }
  for (const auto& [name, value] : changes) {
    if (!value.empty()) all.push_back(name + "=" + value);
  }
  return all;
}

}  // namespace harness
