#include "nodeagent/os/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string_view>

#include <kj/debug.h>
#include <kj/io.h>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {

void becomeUser(uid_t user, gid_t group) {
  if (setgroups(0, nullptr) < 0) support::failErrno(errno, "give up supplementary groups");
  if (setresgid(group, group, group) < 0) support::failErrno(errno, "become group ", group);
  if (setresuid(user, user, user) < 0) support::failErrno(errno, "become user ", user);
}

void lockDown() {
  KJ_SYSCALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  refuseDumps();
  struct rlimit none {
    0, 0
  };
  KJ_SYSCALL(setrlimit(RLIMIT_CORE, &none));
}

void refuseDumps() {
  KJ_SYSCALL(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

void protectFromOutOfMemory() {
  constexpr std::string_view kScore = "-900";
  if (readFile("/proc/self/oom_score_adj").startsWith("-"))
    return;  // The service manager has done it.
  kj::AutoCloseFd fd(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (fd.get() >= 0 && write(fd, kScore.data(), kScore.size()) < 0)
    support::log(support::Level::kDebug, "not protected from lack of memory", {});
}

kj::Maybe<int> oomScoreOfJobs() {
  static const bool isProtected = readFile("/proc/self/oom_score_adj").startsWith("-");
  if (!isProtected) return nullptr;
  return 0;
}

void dieWithParent(pid_t parent) {
  KJ_SYSCALL(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  // The parent may have ended before prctl took effect.
  if (getppid() != parent) _exit(0);
}

}  // namespace nodeagent
