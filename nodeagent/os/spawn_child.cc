#include "nodeagent/os/spawn_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>

#include <cerrno>

#include "nodeagent/os/raw_syscall.h"

// Sanitizers keep state per thread, which a child in shared memory does not have.
#define MUSTER_BARE __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

namespace nodeagent {
namespace {

// The report pipe is put here, so that all descriptors above can be closed at once.
constexpr int kReportFd = 3;
// Pauses of 1, 2, 4, 8 and 16 ms lie between the tries: another child may still hold a file open
// that was just written.
constexpr int kTextBusyTries = 6;
constexpr long kSignalSetBytes = 8;
constexpr int kSignalMax = 64;

// The layout that the kernel's rt_sigaction takes. All zero means SIG_DFL.
struct KernelSigaction {
  unsigned long handler;
  unsigned long flags;
  unsigned long restorer;
  uint64_t mask;
};

[[noreturn]] MUSTER_BARE void stop(const ChildPlan& plan, int reportFd, SpawnStage stage,
                                   long result, int detail = 0) {
  ChildReport report{static_cast<int32_t>(stage), static_cast<int32_t>(-result), detail};
  if (plan.report != nullptr) {
    *plan.report = report;
  } else {
    rawSyscall(SYS_write, reportFd, reinterpret_cast<long>(&report), sizeof(report));
  }
  for (;;) rawSyscall(SYS_exit_group, 127);
}

// Resets signals. Handlers are the keeper's functions, and an ignored signal would stay ignored in
// the program.
MUSTER_BARE void resetSignals(uint64_t signals) {
  KernelSigaction standard{0, 0, 0, 0};
  for (int signal = 1; signal <= kSignalMax; ++signal) {
    if ((signals >> (signal - 1) & 1) == 0) continue;
    rawSyscall(SYS_rt_sigaction, signal, reinterpret_cast<long>(&standard), 0, kSignalSetBytes);
  }
}

MUSTER_BARE void unblockSignals() {
  uint64_t none = 0;
  rawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&none), 0, kSignalSetBytes);
}

MUSTER_BARE void setOomScore(const ChildPlan& plan) {
  long fd = rawSyscall(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/oom_score_adj"),
                       O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;  // Without /proc the job is merely better protected than it should be.
  rawSyscall(SYS_write, fd, reinterpret_cast<long>(plan.oomScore),
             static_cast<long>(plan.oomScoreBytes));
}

// Arranges the descriptors: afterwards 0 to 2 are the program's, 3 is the report pipe if there is
// one, and nothing else is open.
MUSTER_BARE void arrangeFiles(const ChildPlan& plan) {
  for (int target = 0; target < 3; ++target) {
    long result = rawSyscall(SYS_dup3, plan.standardFds[target], target, 0);
    if (result < 0) stop(plan, plan.reportFd, SpawnStage::kFiles, result);
  }
  bool hasPipe = plan.report == nullptr;
  if (hasPipe && plan.reportFd != kReportFd) {
    long result = rawSyscall(SYS_dup3, plan.reportFd, kReportFd, O_CLOEXEC);
    if (result < 0) stop(plan, plan.reportFd, SpawnStage::kFiles, result);
  }
  // Descriptors of the keeper are close-on-exec anyway; this covers those of libraries. Older
  // kernels lack it.
  rawSyscall(SYS_close_range, hasPipe ? kReportFd + 1 : kReportFd, ~0U, 0);
}

MUSTER_BARE void setLimits(const ChildPlan& plan) {
  for (size_t i = 0; i < plan.limitCount; ++i) {
    long result = rawSyscall(SYS_prlimit64, 0, plan.limits[i].resource,
                             reinterpret_cast<long>(plan.limits[i].values));
    if (result < 0) stop(plan, kReportFd, SpawnStage::kLimit, result, static_cast<int>(i));
  }
  if (plan.setNiceness) {
    long result = rawSyscall(SYS_setpriority, PRIO_PROCESS, 0, plan.niceness);
    if (result < 0) stop(plan, kReportFd, SpawnStage::kNiceness, result);
  }
}

// Changes the user by raw calls, which affect this task alone. The C library's functions would tell
// every thread of the keeper to follow.
MUSTER_BARE void becomeUser(const ChildPlan& plan) {
  if (!plan.switchUser) return;
  long result = rawSyscall(SYS_setgroups, static_cast<long>(plan.groupCount),
                           reinterpret_cast<long>(plan.groups));
  if (result < 0) stop(plan, kReportFd, SpawnStage::kGroups, result);
  result = rawSyscall(SYS_setresgid, plan.group, plan.group, plan.group);
  if (result < 0) stop(plan, kReportFd, SpawnStage::kGroup, result);
  result = rawSyscall(SYS_setresuid, plan.user, plan.user, plan.user);
  if (result < 0) stop(plan, kReportFd, SpawnStage::kUser, result);
}

MUSTER_BARE long execute(const char* program, const ChildPlan& plan) {
  long result = 0;
  for (int tries = 0; tries < kTextBusyTries; ++tries) {
    result =
        rawSyscall(SYS_execve, reinterpret_cast<long>(program), reinterpret_cast<long>(plan.argv),
                   reinterpret_cast<long>(plan.environment));
    if (result != -ETXTBSY) return result;
    timespec pause{0, 1'000'000L << tries};
    rawSyscall(SYS_nanosleep, reinterpret_cast<long>(&pause), 0);
  }
  return result;
}

// Tries the candidates as execvp does: a missing one leads to the next, and one without permission
// is remembered.
[[noreturn]] MUSTER_BARE void executeFirst(const ChildPlan& plan) {
  long result = -ENOENT;
  bool refused = false;
  for (const char* const* program = plan.programs; *program != nullptr; ++program) {
    result = execute(*program, plan);
    if (result == -EACCES) refused = true;
    if (result != -ENOENT && result != -ENOTDIR && result != -EACCES)
      stop(plan, kReportFd, SpawnStage::kExec, result);
  }
  stop(plan, kReportFd, SpawnStage::kExec, refused ? -EACCES : result);
}

}  // namespace

MUSTER_BARE void runChild(void* planPointer) {
  const ChildPlan& plan = *static_cast<const ChildPlan*>(planPointer);
  resetSignals(plan.signalsToReset);
  long result = rawSyscall(SYS_setsid);
  if (result < 0) stop(plan, plan.reportFd, SpawnStage::kSession, result);
  if (plan.cgroupProcsFd >= 0) {
    result = rawSyscall(SYS_write, plan.cgroupProcsFd, reinterpret_cast<long>("0"), 1);
    if (result < 0) stop(plan, plan.reportFd, SpawnStage::kCgroup, result);
  }
  arrangeFiles(plan);
  if (plan.controllingTerminal) {
    result = rawSyscall(SYS_ioctl, 0, TIOCSCTTY, 0);
    if (result < 0) stop(plan, kReportFd, SpawnStage::kTerminal, result);
  }
  if (plan.oomScore != nullptr) setOomScore(plan);
  setLimits(plan);
  becomeUser(plan);
  rawSyscall(SYS_umask, plan.umask);
  result = rawSyscall(SYS_chdir, reinterpret_cast<long>(plan.directory));
  if (result < 0) stop(plan, kReportFd, SpawnStage::kDirectory, result);
  unblockSignals();
  executeFirst(plan);
}

}  // namespace nodeagent
