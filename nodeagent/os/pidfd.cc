#include "nodeagent/os/pidfd.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nodeagent {
namespace {

constexpr int kPidfdIdType = 3;  // P_PIDFD, which older headers lack.

int64_t nanoseconds(const timeval& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_usec * 1'000LL;
}

}  // namespace

kj::Maybe<ExitReport> reapChild(int pidfd) {
  siginfo_t info{};
  rusage usage{};
  long result;
  do {
    result = syscall(SYS_waitid, kPidfdIdType, pidfd, &info, WEXITED | WNOHANG, &usage);
  } while (result < 0 && errno == EINTR);
  ExitReport report;
  if (result < 0) {
    report.taken = true;
    return report;
  }
  if (info.si_pid == 0) return nullptr;
  report.signalled = info.si_code != CLD_EXITED;
  report.coreDumped = info.si_code == CLD_DUMPED;
  report.value = info.si_status;
  report.cpuUserNs = nanoseconds(usage.ru_utime);
  report.cpuSystemNs = nanoseconds(usage.ru_stime);
  report.residentBytesMax = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  return report;
}

uint64_t ownResidentBytesMax() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

int signalChild(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) < 0 ? errno : 0;
}

}  // namespace nodeagent
