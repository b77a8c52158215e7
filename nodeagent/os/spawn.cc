#include "nodeagent/os/spawn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <kj/debug.h>
#include <kj/thread.h>
#include <kj/vector.h>

#include "nodeagent/os/raw_syscall.h"
#include "nodeagent/os/read_file.h"
#include "nodeagent/os/signals_blocked.h"

namespace nodeagent {
namespace {

constexpr size_t kStackBytes = 32 * 1024;
constexpr int kKillWaitMs = 1000;

// Holds everything that the child reads on its way. It is freed only when the child no longer uses
// it.
struct Prepared {
  ChildPlan plan{};
  kj::Array<kj::String> programTexts;
  kj::Vector<kj::String> texts;
  kj::Vector<const char*> programs;
  kj::Vector<char*> argv;
  kj::Vector<char*> environment;
  kj::String directory;
  kj::Array<gid_t> groups;
  kj::Vector<ChildLimit> limits;
  kj::Vector<kj::AutoCloseFd> movedFds;
  kj::Maybe<int> oomScore;
  kj::String oomScoreText;
  // These two serve a child in this memory. The kernel clears `busy` when the child has left the
  // memory, whether by execve or by its end.
  kj::Array<kj::byte> stack;
  uint32_t busy = 0;
  ChildReport report{};

  explicit Prepared(const SpawnOptions& options);

  char* keep(kj::StringPtr text) {
    texts.add(kj::str(text));
    return texts.back().begin();
  }
  int aboveStandard(int fd);
};

// Moves a descriptor above 2. The child's 0 to 2 are filled one after the other, so a source among
// them would be overwritten before it is used.
int Prepared::aboveStandard(int fd) {
  if (fd > 2) return fd;
  int moved;
  KJ_SYSCALL(moved = fcntl(fd, F_DUPFD_CLOEXEC, 3), fd);
  movedFds.add(kj::AutoCloseFd(moved));
  return moved;
}

// Returns the signals that the child must reset: those that this process ignores. clone3 resets
// handlers by itself but leaves ignored signals ignored. A look at all 64 costs more than the rest
// of the launch, so it is taken once, and signals that a program commonly ignores later are reset
// in any case.
uint64_t ignoredSignals() {
  static const uint64_t ignored = [] {
    uint64_t signals = 0;
    for (int signal = 1; signal <= 64; ++signal) {
      struct sigaction action {};
      if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
        signals |= uint64_t{1} << (signal - 1);
      }
    }
    for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGTERM, SIGCHLD}) {
      signals |= uint64_t{1} << (signal - 1);
    }
    // The C library shows nobody the two signals that it has for itself. A caller may have handed
    // them on ignored.
    for (int signal = __SIGRTMIN; signal < SIGRTMIN; ++signal) {
      signals |= uint64_t{1} << (signal - 1);
    }
    return signals;
  }();
  return ignored;
}

kj::String oomScorePath(kj::StringPtr process) {
  return kj::str("/proc/", process, "/oom_score_adj");
}

// Nothing changes where it is not allowed, or without /proc: the program is merely better protected
// than it should be.
void writeOomScore(pid_t pid, int score) {
  kj::AutoCloseFd fd(open(oomScorePath(kj::str(pid)).cStr(), O_WRONLY | O_CLOEXEC));
  auto text = kj::str(score);
  if (fd.get() < 0 || write(fd, text.begin(), text.size()) < 0) return;
}

Prepared::Prepared(const SpawnOptions& options)
    : programTexts(programCandidates(options.argv[0], options.environment)),
      directory(kj::str(options.directory)) {
  for (auto& text : programTexts) programs.add(text.cStr());
  programs.add(nullptr);
  for (auto& item : options.argv) argv.add(keep(item));
  argv.add(nullptr);
  for (auto& item : options.environment) environment.add(keep(item));
  environment.add(nullptr);
  for (auto& limit : options.limits)
    limits.add(ChildLimit{limit.resource, {limit.value, limit.value}});

  plan.programs = programs.begin();
  plan.argv = argv.begin();
  plan.environment = environment.begin();
  plan.directory = directory.cStr();
  plan.standardFds[0] = aboveStandard(options.input);
  plan.standardFds[1] = aboveStandard(options.output);
  plan.standardFds[2] = aboveStandard(options.errors);
  plan.cgroupProcsFd = -1;
  plan.reportFd = -1;
  plan.signalsToReset = ignoredSignals();
  oomScore = options.oomScore;
  plan.controllingTerminal = options.controllingTerminal;
  plan.umask = options.umask;
  plan.limits = limits.begin();
  plan.limitCount = limits.size();
  KJ_IF_MAYBE (niceness, options.niceness) {
    plan.setNiceness = true;
    plan.niceness = *niceness;
  }
  KJ_IF_MAYBE (credentials, options.credentials) {
    groups = kj::heapArray<gid_t>(credentials->groups.asPtr());
    plan.switchUser = true;
    plan.user = credentials->user;
    plan.group = credentials->group;
    plan.groups = groups.begin();
    plan.groupCount = groups.size();
  }
}

class LaunchImpl final : public Launch {
 public:
  // `report` is the pipe's end for a child that has memory of its own.
  LaunchImpl(kj::Own<Prepared> prepared, pid_t pid, kj::AutoCloseFd pidfd, kj::AutoCloseFd report)
      : prepared_(kj::mv(prepared)), pid_(pid), pidfd_(kj::mv(pidfd)), report_(kj::mv(report)) {}
  ~LaunchImpl() noexcept(false) override;

  pid_t pid() const override { return pid_; }
  kj::AutoCloseFd takePidfd() override { return kj::mv(pidfd_); }
  kj::Maybe<kj::Maybe<SpawnFailure>> outcome() override;

 private:
  bool readReport(ChildReport& report);
  bool hasEnded() const;
  void becameKnown(const ChildReport& report);

  kj::Own<Prepared> prepared_;
  pid_t pid_;
  kj::AutoCloseFd pidfd_;
  kj::AutoCloseFd report_;
  bool known_ = false;
  kj::Maybe<SpawnFailure> failure_;
};

// Returns whether the child has finished its report. The report is empty if its program runs.
bool LaunchImpl::readReport(ChildReport& report) {
  if (prepared_->plan.report != nullptr) {
    // The kernel's write of `busy` comes after the child's last write, so the report is whole once
    // this reads 0.
    if (__atomic_load_n(&prepared_->busy, __ATOMIC_ACQUIRE) != 0) return false;
    report = prepared_->report;
    return true;
  }
  ssize_t count;
  do {
    count = read(report_, &report, sizeof(report));
  } while (count < 0 && errno == EINTR);
  return count >= 0;
}

bool LaunchImpl::hasEnded() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid != 0;
}

kj::Maybe<kj::Maybe<SpawnFailure>> LaunchImpl::outcome() {
  if (!known_) {
    ChildReport report{};
    if (!readReport(report)) {
      // A child that has ended writes no more, even if another process still holds the other end of
      // its pipe.
      if (!hasEnded()) return nullptr;
      readReport(report);
    }
    becameKnown(report);
  }
  return failure_.map([](SpawnFailure& failure) { return failure; });
}

// The child has left this memory, so its score is its own now. Before, the kernel would have given
// it to all processes that share the memory, the keeper first.
void LaunchImpl::becameKnown(const ChildReport& report) {
  known_ = true;
  if (report.errorNumber != 0) {
    failure_ =
        SpawnFailure{static_cast<SpawnStage>(report.stage), report.errorNumber, report.detail};
  } else if (prepared_->plan.report != nullptr) {
    KJ_IF_MAYBE (score, prepared_->oomScore) writeOomScore(pid_, *score);
  }
  report_ = nullptr;
  prepared_ = nullptr;
}

// The child still reads from `prepared_`. Killed, it leaves that memory within microseconds, unless
// it sleeps in a system call that cannot be interrupted, such as in a file system that hangs. So
// only a thread of its own waits for that. If it waits in vain, the memory is leaked to the child.
LaunchImpl::~LaunchImpl() noexcept(false) {
  if (outcome() != nullptr) return;
  kill(pid_, SIGKILL);
  if (prepared_->plan.report == nullptr) return;
  SignalsBlocked blocked;
  kj::Thread waiting([prepared = kj::mv(prepared_)]() mutable {
    for (int waitedMs = 0; waitedMs < kKillWaitMs; ++waitedMs) {
      if (__atomic_load_n(&prepared->busy, __ATOMIC_ACQUIRE) == 0) return;
      timespec pause{0, 1'000'000};
      nanosleep(&pause, nullptr);
    }
    new kj::Own<Prepared>(kj::mv(prepared));  // Leaked on purpose.
  });
  waiting.detach();
}

// Opens the report's pipe for a child with memory of its own. Returns an errno, or 0.
int openReport(Prepared& prepared, kj::AutoCloseFd& report) {
  prepared.plan.report = nullptr;
  KJ_IF_MAYBE (score, prepared.oomScore) {
    prepared.oomScoreText = kj::str(*score);
    prepared.plan.oomScore = prepared.oomScoreText.begin();
    prepared.plan.oomScoreBytes = prepared.oomScoreText.size();
  }
  if (report.get() >= 0) return 0;
  int fds[2];
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) return errno;
  report = kj::AutoCloseFd(fds[0]);
  prepared.movedFds.add(kj::AutoCloseFd(fds[1]));
  prepared.plan.reportFd = prepared.aboveStandard(fds[1]);
  return 0;
}

// Makes the child by clone3. It shares our memory where it may, which saves copying page tables. It
// may not where the user changes: that marks the memory, and so the keeper, as not dumpable, and a
// process of that user must not see the keeper's memory even for a moment.
long cloneChild(Prepared& prepared, const SpawnOptions& options, int* pidfd,
                kj::AutoCloseFd& report) {
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<uintptr_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  if (options.cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(options.cgroup);
  }
  bool mayShare = options.memory == SpawnOptions::Memory::kShared && !prepared.plan.switchUser;
  if (kCanShareMemory && mayShare) {
    prepared.stack = kj::heapArray<kj::byte>(kStackBytes);
    prepared.busy = 1;
    prepared.plan.report = &prepared.report;
    arguments.flags |= CLONE_VM | CLONE_CHILD_CLEARTID;
    arguments.child_tid = reinterpret_cast<uintptr_t>(&prepared.busy);
    arguments.stack = (reinterpret_cast<uintptr_t>(prepared.stack.begin()) + 15) & ~uintptr_t{15};
    arguments.stack_size = kStackBytes - 16;
    return rawCloneOnStack(&arguments, runChild, &prepared.plan);
  }
  int failed = openReport(prepared, report);
  if (failed != 0) return -failed;
  long pid = rawSyscall(SYS_clone3, reinterpret_cast<long>(&arguments), sizeof(arguments));
  if (pid == 0) runChild(&prepared.plan);
  return pid;
}

// Makes the child by clone, for kernels and sandboxes without clone3. The child moves itself to the
// cgroup.
long cloneChildOldWay(Prepared& prepared, int* pidfd, int cgroup, kj::AutoCloseFd& report) {
  prepared.plan.signalsToReset = ~uint64_t{0};
  int failed = openReport(prepared, report);
  if (failed != 0) return -failed;
  kj::AutoCloseFd procs;
  if (cgroup >= 0) {
    int fd = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    procs = kj::AutoCloseFd(fd);
    prepared.plan.cgroupProcsFd = prepared.aboveStandard(fd);
  }
  long pid = rawSyscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, reinterpret_cast<long>(pidfd), 0, 0);
  if (pid == 0) runChild(&prepared.plan);
  return pid;
}

}  // namespace

kj::OneOf<kj::Own<Launch>, SpawnFailure> launchProgram(const SpawnOptions& options) {
  KJ_REQUIRE(options.argv.size() > 0);
  auto prepared = kj::heap<Prepared>(options);
  kj::AutoCloseFd report;
  int pidfd = -1;
  long pid;
  {
    SignalsBlocked blocked;
    pid = cloneChild(*prepared, options, &pidfd, report);
    if (pid == -ENOSYS || pid == -EPERM || pid == -E2BIG)
      pid = cloneChildOldWay(*prepared, &pidfd, options.cgroup, report);
  }
  if (pid < 0) return SpawnFailure{SpawnStage::kClone, static_cast<int>(-pid), 0};
  // The child has copies of its own now, also one that shares the memory: the table of descriptors
  // is not shared.
  prepared->movedFds.clear();
  return kj::Own<Launch>(kj::heap<LaunchImpl>(kj::mv(prepared), static_cast<pid_t>(pid),
                                              kj::AutoCloseFd(pidfd), kj::mv(report)));
}

bool setInheritedOomScore(kj::ArrayPtr<const pid_t> pids, int score) {
  auto own = readFile(oomScorePath("self"), 16);
  bool hasSet = false;
  for (pid_t pid : pids) {
    if (own.size() == 0 || readFile(oomScorePath(kj::str(pid)), 16) != own) continue;
    writeOomScore(pid, score);
    hasSet = true;
  }
  return hasSet;
}

kj::Array<kj::String> programCandidates(kj::StringPtr program,
                                        kj::ArrayPtr<const kj::String> environment) {
  kj::Vector<kj::String> candidates;
  if (program.findFirst('/') != nullptr || program.size() == 0) {
    candidates.add(kj::str(program));
    return candidates.releaseAsArray();
  }
  kj::StringPtr path = "/bin:/usr/bin";
  for (auto& item : environment) {
    if (item.startsWith("PATH=")) path = item.slice(5);
  }
  for (;;) {
    auto colon = path.findFirst(':');
    size_t length = path.size();
    KJ_IF_MAYBE (position, colon) length = *position;
    auto directory = kj::str(path.slice(0, length));
    candidates.add(directory.size() == 0 ? kj::str(program) : kj::str(directory, "/", program));
    if (colon == nullptr) break;
    path = path.slice(length + 1);
  }
  return candidates.releaseAsArray();
}

}  // namespace nodeagent
