#include "nodeagent/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include <kj/debug.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kRespawnMinNs = 50 * kMs;
constexpr int64_t kRespawnMaxNs = 2000 * kMs;
// An agent that ran this long starts with the shortest delay again.
constexpr int64_t kStableNs = 10'000 * kMs;
constexpr int64_t kEndGraceNs = 2000 * kMs;
constexpr int kNotProcessOne = 70;

int64_t nowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// The kernel's number of the machine's own UTS namespace.
constexpr ino_t kMachineNames = 0xEFFFFFFE;

// Gives the node the name in /etc/hostname, as process 1 of a machine does: those who made the node
// may have named it otherwise. The name of the machine itself is left alone.
void takeHostName() {
  struct stat names {};
  if (::stat("/proc/self/ns/uts", &names) != 0 || names.st_ino == kMachineNames) return;
  kj::AutoCloseFd file(::open("/etc/hostname", O_RDONLY | O_CLOEXEC));
  char name[65];
  ssize_t size = ::read(file.get(), name, sizeof name);
  if (size <= 0) return;
  ssize_t length = std::find(name, name + size, '\n') - name;
  // Without the privilege the name stays as it is.
  if (length > 0) (void)::sethostname(name, static_cast<size_t>(length));
}

// Turns the child into a program as freshly started by a shell, in a session of its own. It makes
// only calls that are safe after fork.
[[noreturn]] void become(char* const* argv, int output) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  ::execv(argv[0], argv);
  ::_exit(errno == ENOENT ? 127 : 126);
}

class Init {
 public:
  explicit Init(const InitOptions& options) : options_(options) {}

  int run() {
    takeHostName();
    kj::AutoCloseFd signals = openSignals();
    if (options_.bootStatus.size() > 0) ::unlink(options_.bootStatus.cStr());
    startAgent();
    startBoot();
    while (!ending_) {
      waitForSignal(signals, agent_ > 0 ? -1 : std::max<int64_t>(0, respawnAtNs_ - nowNs()));
      if (!ending_ && agent_ == 0 && nowNs() >= respawnAtNs_) startAgent();
    }
    endAll(signals);
    return 0;
  }

 private:
  static kj::AutoCloseFd openSignals() {
    sigset_t mask;
    ::sigemptyset(&mask);
    for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGPWR, SIGHUP}) ::sigaddset(&mask, signal);
    ::sigprocmask(SIG_BLOCK, &mask, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    int fd;
    KJ_SYSCALL(fd = ::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
    return kj::AutoCloseFd(fd);
  }

  // Waits for at most `waitNs` and handles the signals that came. A negative `waitNs` means for
  // ever, since process 1 has nothing else to do.
  void waitForSignal(int signals, int64_t waitNs) {
    pollfd poll{signals, POLLIN, 0};
    ::poll(&poll, 1, waitNs < 0 ? -1 : static_cast<int>((waitNs + kMs - 1) / kMs));
    signalfd_siginfo info{};
    while (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGHUP) {
        if (agent_ > 0) ::kill(agent_, SIGHUP);
      } else if (info.ssi_signo != SIGCHLD) {
        ending_ = true;
      }
    }
    reap();
  }

  // Reaps every child, also the orphans of the whole node, which are process 1's to reap. One
  // SIGCHLD may stand for several of them.
  void reap() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == agent_) {
        agent_ = 0;
        agentEnded(status);
      } else if (pid == boot_) {
        boot_ = 0;
        writeBootStatus(status);
      }
    }
  }

  void startAgent() {
    startedAtNs_ = nowNs();
    agent_ = start(options_.agent, -1);
    if (agent_ == 0) agentEnded(0);
  }

  void agentEnded(int status) {
    // The delay doubles while the agent keeps ending early, so that a broken agent does not take
    // the node's CPU.
    bool stable = nowNs() - startedAtNs_ >= kStableNs;
    respawnDelayNs_ = stable ? kRespawnMinNs : std::min(2 * respawnDelayNs_, kRespawnMaxNs);
    respawnAtNs_ = nowNs() + respawnDelayNs_;
    if (!ending_) {
      support::log(support::Level::kWarn, "the agent ended; starting it again",
                   {{"status", status}, {"delayMs", respawnDelayNs_ / kMs}});
    }
  }

  void startBoot() {
    const kj::String& script = options_.bootScript;
    if (script.size() == 0 || ::access(script.cStr(), X_OK) != 0) {
      writeBootStatus(0);
      return;
    }
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    kj::AutoCloseFd log(::open(options_.bootLog.cStr(), flags, 0644));
    auto argv = kj::heapArray<kj::String>(1);
    argv[0] = kj::str(script);
    boot_ = start(argv, log.get());
  }

  // Returns the child's process id; a failed fork counts as a child that ended at once.
  static pid_t start(kj::ArrayPtr<const kj::String> arguments, int output) {
    kj::Vector<char*> argv;
    for (const kj::String& argument : arguments) argv.add(const_cast<char*>(argument.cStr()));
    argv.add(nullptr);
    pid_t pid = ::fork();
    if (pid == 0) become(argv.begin(), output);
    if (pid < 0) {
      support::log(support::Level::kError, "fork", {{"program", arguments[0]}, {"errno", errno}});
      return 0;
    }
    return pid;
  }

  void writeBootStatus(int status) {
    if (options_.bootStatus.size() == 0) return;
    kj::String text = WIFEXITED(status) ? kj::str("exit ", WEXITSTATUS(status), "\n")
                                        : kj::str("signal ", WTERMSIG(status), "\n");
    kj::String temporary = kj::str(options_.bootStatus, ".new");
    kj::AutoCloseFd file(::open(temporary.cStr(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    bool written = file.get() >= 0 &&
                   ::write(file, text.begin(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || ::rename(temporary.cStr(), options_.bootStatus.cStr()) != 0) {
      support::log(support::Level::kError, "boot status not written",
                   {{"path", options_.bootStatus}, {"errno", errno}});
    }
  }

  // Ends every process of the namespace but ourselves, which is what kill(-1) reaches. A stopped
  // process does not act on TERM before it is continued.
  void endAll(int signals) {
    ::kill(-1, SIGTERM);
    ::kill(-1, SIGCONT);
    int64_t untilNs = nowNs() + kEndGraceNs;
    while (childrenLeft() && nowNs() < untilNs) waitForSignal(signals, untilNs - nowNs());
    ::kill(-1, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
  }

  static bool childrenLeft() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  }

  const InitOptions& options_;
  pid_t agent_ = 0;  // 0: not running.
  pid_t boot_ = 0;
  int64_t startedAtNs_ = 0;
  int64_t respawnDelayNs_ = kRespawnMinNs / 2;
  int64_t respawnAtNs_ = 0;
  bool ending_ = false;
};

}  // namespace

int runInit(const InitOptions& options) {
  if (::getpid() != 1) {
    ::fprintf(stderr,
              "nodeagent: --role=init: process id is %d; this role signals every process it can "
              "see and runs only as "
              "process 1 of a node\n",
              static_cast<int>(::getpid()));
    return kNotProcessOne;
  }
  return Init(options).run();
}

}  // namespace nodeagent
