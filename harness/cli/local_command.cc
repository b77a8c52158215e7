#include "harness/cli/local_command.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/command_error.h"
#include "harness/os/error.h"
#include "harness/os/process.h"
#include "harness/os/program_path.h"
#include "harness/os/signals.h"

namespace harness {
namespace {

constexpr int kExitNoProgram = 127;
constexpr int kExitOfSignal = 128;
constexpr int kSecondMs = 1000;

// Receives the signals that would end this process, for its lifetime.
class ForegroundSignals {
 public:
  ForegroundSignals() {
    sigset_t set = signalSet(endingSignals());
    signals_ = Fd(
        static_cast<int>(check(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "read signals")));
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~ForegroundSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  ForegroundSignals(const ForegroundSignals&) = delete;
  ForegroundSignals& operator=(const ForegroundSignals&) = delete;

  int handle() const { return signals_.get(); }
  const sigset_t& before() const { return before_; }

  void passTo(const Child& child) const {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      // The terminal's driver sends a signal to everybody in the foreground.
      if (info.ssi_code != SI_KERNEL) child.signal(static_cast<int>(info.ssi_signo));
    }
  }

 private:
  sigset_t before_;
  Fd signals_;
};

std::vector<std::string> environmentWith(const std::vector<std::string>& added) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    std::string entry = *each;
    std::string name = entry.substr(0, entry.find('=') + 1);
    bool isReplaced = false;
    for (const std::string& other : added) isReplaced = isReplaced || other.starts_with(name);
    if (!isReplaced) all.push_back(entry);
  }
  all.insert(all.end(), added.begin(), added.end());
  return all;
}

}  // namespace

int runInForeground(const LocalCommand& command, const std::function<void()>& everySecond) {
  SpawnOptions options;
  options.argv = command.argv;
  options.argv[0] = programInPath(command.argv[0]);
  if (options.argv[0].empty()) {
    throw CommandError(kExitNoProgram, command.argv[0] + ": there is no such program");
  }
  options.environment = environmentWith(command.environment);
  ForegroundSignals signals;
  options.blocked = signals.before();
  Child child = spawn(options);
  std::optional<int> status;
  Deadline next = after(std::chrono::milliseconds(kSecondMs));
  while (!(status = child.awaitEnd(after({})))) {
    pollfd polled[] = {{signals.handle(), POLLIN, 0}, {child.handle(), POLLIN, 0}};
    ::poll(polled, 2, millisecondsUntil(next));
    signals.passTo(child);
    if (after({}) < next) continue;
    everySecond();
    next = after(std::chrono::milliseconds(kSecondMs));
  }
  return WIFSIGNALED(*status) ? kExitOfSignal + WTERMSIG(*status) : WEXITSTATUS(*status);
}

}  // namespace harness
