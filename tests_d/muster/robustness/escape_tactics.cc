#include "tests_d/muster/robustness/escape_tactics.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "tests_d/muster/robustness/escape_tactic.h"

namespace robustness {
namespace {

// Leaves session and directory of the parent, as a daemon does.
void daemonize() {
  setsid();
  if (chdir("/") != 0) _exit(3);
  umask(0);
}

int doubleFork() {
  pid_t middle = inChild([] { inChild([] { ready(); }); });
  waitpid(middle, nullptr, 0);
  stay();
}

int ownSession() {
  inChild([] {
    setsid();
    ready();
  });
  stay();
}

int daemon() {
  pid_t middle = inChild([] {
    setsid();
    inChild([] {
      daemonize();
      say("ready\n");
      for (int fd = 0; fd < 64; ++fd) close(fd);
      stay();
    });
  });
  waitpid(middle, nullptr, 0);
  stay();
}

int ignoresTerm() {
  ignore({SIGTERM, SIGINT, SIGHUP, SIGQUIT});
  return ready();
}

int ignoresEverything() {
  for (int number = 1; number < 65; ++number) signal(number, SIG_IGN);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  return ready();
}

int stoppedItself() {
  say("ready\n");
  raise(SIGSTOP);
  stay();
}

int stoppedChild() {
  pid_t child = inChild([] { stay(); });
  kill(child, SIGSTOP);
  return ready();
}

int forkBomb() {
  rlimit limit{400, 400};
  // The limit does not bind root, so the loop is bounded as well.
  setrlimit(RLIMIT_NPROC, &limit);
  ignore({SIGTERM, SIGCHLD});
  for (int depth = 0; depth < 6; ++depth) fork();
  say("ready\n");
  stay();
}

int forksWithoutEnd() {
  say("ready\n");
  // Each generation lives for a moment only, so a list of processes is outdated when it is used.
  for (int generation = 0; generation < 3'000; ++generation) {
    pid_t child = fork();
    if (child < 0) stay();
    if (child > 0) _exit(0);
    if (generation == 0) setsid();
    poll(nullptr, 0, 1);
  }
  return 0;
}

int zombies() {
  for (int i = 0; i < 50; ++i) inChild([] {});
  return ready();
}

int closesDescriptors() {
  say("ready\n");
  for (int fd = 0; fd < 1024; ++fd) close(fd);
  stay();
}

int writesWithoutEnd() {
  say("ready\n");
  char block[4096];
  std::memset(block, 'x', sizeof(block));
  while (write(1, block, sizeof(block)) > 0) continue;
  stay();
}

int holdsThePipe() {
  inChild([] {
    setsid();
    stay();
  });
  say("ready\n");
  return 0;
}

int vforkHang() {
  say("ready\n");
  if (vfork() == 0) {
    poll(nullptr, 0, kLifeMs);
    _exit(0);
  }
  stay();
}

int traced() {
  inChild([] {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    stay();
  });
  return ready();
}

// Moves itself out of its control group, to the root of each hierarchy that lets it.
int changesGroup() {
  const char* roots[] = {"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs",
                         "/sys/fs/cgroup/pids/cgroup.procs", "/sys/fs/cgroup/freezer/cgroup.procs",
                         "/sys/fs/cgroup/systemd/cgroup.procs"};
  for (const char* root : roots) {
    int fd = open(root, O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    if (write(fd, "0", 1) < 0) ignore({});
    close(fd);
  }
  return ready();
}

int changesGroupAndSession() {
  inChild([] {
    setsid();
    inChild([] { changesGroup(); });
  });
  stay();
}

int ownPidNamespace() {
  if (unshare(CLONE_NEWPID) != 0) return ready();
  inChild([] {
    setsid();
    inChild([] { stay(); });
    ready();
  });
  stay();
}

int deepTree() {
  std::function<void(int)> grow = [&](int depth) {
    setsid();
    if (depth == 0) ready();
    for (int i = 0; i < 2; ++i) inChild([&] { grow(depth - 1); });
    stay();
  };
  inChild([&] { grow(4); });
  stay();
}

int watchdogPair() {
  // The parent starts the child again whenever it is gone.
  ignore({SIGTERM});
  for (int round = 0; round < 1'000; ++round) {
    pid_t other = inChild([] {
      setsid();
      stay();
    });
    if (round == 0) say("ready\n");
    waitpid(other, nullptr, 0);
  }
  stay();
}

int clearsEnvironment() {
  // Clears the memory that /proc/PID/environ shows, not only the list that getenv reads.
  for (char** variable = environ; *variable; ++variable) {
    std::memset(*variable, 0, std::strlen(*variable));
  }
  return ready();
}

int parentDiesAtOnce() {
  inChild([] {
    setpgid(0, 0);
    ready();
  });
  poll(nullptr, 0, 50);
  return 5;
}

const std::vector<EscapeTactic> kFamilies = {{"plain", ready},
                                             {"double-fork", doubleFork},
                                             {"setsid", ownSession},
                                             {"daemon", daemon},
                                             {"ignores-term", ignoresTerm},
                                             {"ignores-everything", ignoresEverything},
                                             {"stopped", stoppedItself},
                                             {"stopped-child", stoppedChild},
                                             {"fork-bomb", forkBomb},
                                             {"forks-without-end", forksWithoutEnd},
                                             {"zombies", zombies},
                                             {"closes-descriptors", closesDescriptors},
                                             {"writes-without-end", writesWithoutEnd},
                                             {"holds-the-pipe", holdsThePipe},
                                             {"vfork-hang", vforkHang},
                                             {"traced", traced},
                                             {"changes-group", changesGroup},
                                             {"changes-group-and-session", changesGroupAndSession},
                                             {"own-pid-namespace", ownPidNamespace},
                                             {"deep-tree", deepTree},
                                             {"watchdog-pair", watchdogPair},
                                             {"clears-environment", clearsEnvironment},
                                             {"parent-dies", parentDiesAtOnce}};

enum class Escapes { kNo, kYes };

// All tactics, those of escape_disguises.cc included.
const std::vector<EscapeTactic>& allTactics() {
  static const std::vector<EscapeTactic> kAll = [] {
    std::vector<EscapeTactic> all = kFamilies;
    all.insert(all.end(), disguisedTactics().begin(), disguisedTactics().end());
    return all;
  }();
  return kAll;
}

std::vector<std::string> namesOf(Escapes escapes) {
  std::vector<std::string> names;
  for (const EscapeTactic& tactic : allTactics()) {
    bool does = tactic.first.rfind("changes-group", 0) == 0;
    if (does == (escapes == Escapes::kYes)) names.push_back(tactic.first);
  }
  return names;
}

}  // namespace

const std::vector<std::string>& escapeTactics() {
  static const std::vector<std::string> kNames = namesOf(Escapes::kNo);
  return kNames;
}

const std::vector<std::string>& unboundEscapeTactics() {
  static const std::vector<std::string> kNames = namesOf(Escapes::kYes);
  return kNames;
}

int runEscapeTactic(const std::string& tactic) {
  for (const EscapeTactic& known : allTactics()) {
    if (known.first == tactic) return known.second();
  }
  return 64;
}

}  // namespace robustness
