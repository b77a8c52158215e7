#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "tests_d/muster/robustness/escape_tactic.h"

namespace robustness {

void say(const char* text) {
  if (write(1, text, std::strlen(text)) < 0) _exit(3);
}

void stay() {
  poll(nullptr, 0, kLifeMs);
  _exit(0);
}

int ready() {
  say("ready\n");
  stay();
}

pid_t inChild(const std::function<void()>& then) {
  pid_t pid = fork();
  if (pid == 0) {
    then();
    _exit(0);
  }
  return pid;
}

void ignore(std::initializer_list<int> signals) {
  for (int number : signals) signal(number, SIG_IGN);
}

namespace {

// Exits without "ready" if a step was not permitted, since such a payload would test nothing.
int readyIf(bool done) {
  return done ? ready() : 77;
}

// The first thread has ended, so the kernel reports the process as a zombie.
int threadsOnly() {
  std::thread([] { ready(); }).detach();
  pthread_exit(nullptr);
}

int manyThreads() {
  for (int i = 0; i < 200; ++i) std::thread(stay).detach();
  return ready();
}

// The process has a file system of its own and keeps it busy.
int ownMounts() {
  bool own = unshare(CLONE_NEWNS) == 0 &&
             mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
             mount("escape", "/mnt", "tmpfs", 0, nullptr) == 0 && chdir("/mnt") == 0;
  return readyIf(own && open("busy", O_RDWR | O_CREAT, 0600) >= 0);
}

int ownUsers() {
  return readyIf(unshare(CLONE_NEWUSER) == 0);
}

int ownNetwork() {
  return readyIf(unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) == 0);
}

int ownRoot() {
  return readyIf(chroot("/var") == 0 && chdir("/") == 0);
}

// The process has a namespace of each type at once. It is process 1 there and adopts orphans.
int ownEverything() {
  int all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
  if (unshare(all) != 0) return readyIf(false);
  inChild([] {
    inChild([] {
      setsid();
      inChild([] { stay(); });
    });
    ready();
  });
  stay();
}

int otherUser() {
  return readyIf(setgid(65534) == 0 && setuid(65534) == 0);
}

int notDumpable() {
  prctl(PR_SET_DUMPABLE, 0);
  return ready();
}

int deathSignal() {
  ignore({SIGUSR1, SIGTERM});
  inChild([] {
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    ready();
  });
  stay();
}

// The process adopts its orphaned descendants.
int subreaper() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t middle = inChild([] {
    inChild([] {
      setsid();
      ready();
    });
  });
  waitpid(middle, nullptr, 0);
  stay();
}

// The child's parent is the parent of the process itself.
int sibling() {
  if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr) == 0) stay();
  return ready();
}

// No signal tells the parent of the child's end.
int silentChild() {
  if (syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr) == 0) {
    setsid();
    ready();
  }
  stay();
}

// A killed child stops at its exit until its tracer releases it.
int stoppedAtExit() {
  pid_t traced = inChild([] { stay(); });
  if (ptrace(PTRACE_SEIZE, traced, nullptr, PTRACE_O_TRACEEXIT) != 0) return readyIf(false);
  return ready();
}

int stoppedGroup() {
  setpgid(0, 0);
  inChild([] { stay(); });
  say("ready\n");
  kill(0, SIGSTOP);
  stay();
}

int handlesEverything() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART | SA_NODEFER;
  for (int number = 1; number < 65; ++number) sigaction(number, &action, nullptr);
  say("ready\n");
  for (int i = 0; i < 600; ++i) poll(nullptr, 0, kLifeMs / 600);
  return 0;
}

int busyLoop() {
  say("ready\n");
  time_t end = time(nullptr) + kLifeMs / 1000;
  while (time(nullptr) < end) continue;
  return 0;
}

int lowestPriority() {
  sched_param none{};
  sched_setscheduler(0, SCHED_IDLE, &none);
  return busyLoop();
}

int directoryGone() {
  char place[] = "/tmp/muster-escape-XXXXXX";
  return readyIf(mkdtemp(place) != nullptr && chdir(place) == 0 && rmdir(place) == 0);
}

// The standard output is in flight between two sockets, so no descriptor shows it.
int pipeInFlight() {
  say("ready\n");
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) stay();
  char byte = 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  int output = 1;
  std::memcpy(CMSG_DATA(header), &output, sizeof output);
  sendmsg(ends[0], &message, 0);
  close(1);
  stay();
}

// Becomes `sleep` from a descriptor whose file has no name any more.
[[noreturn]] void becomeSleep(int program, char** environment) {
  int original = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
  while (sendfile(program, original, nullptr, 1 << 20) > 0) continue;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", program);
  // The kernel executes no file that is open for writing.
  int runnable = open(path, O_RDONLY | O_CLOEXEC);
  close(program);
  char name[] = "sleep", time[] = "60";
  char* words[] = {name, time, nullptr};
  say("ready\n");
  fexecve(runnable, words, environment);
  stay();
}

int memoryProgram() {
  becomeSleep(memfd_create("escape", MFD_CLOEXEC), environ);
}

int deletedProgram() {
  char place[] = "/var/tmp/muster-escape-XXXXXX";
  int program = mkostemp(place, O_CLOEXEC);
  fchmod(program, 0700);
  unlink(place);
  becomeSleep(program, environ);
}

// The environment is empty, as after `exec env -i`, so only the parent tells whose process it is.
int emptyEnvironment() {
  char* none[] = {nullptr};
  becomeSleep(memfd_create("escape", MFD_CLOEXEC), none);
}

int largeEnvironment() {
  std::string value(100'000, 'x');
  for (int i = 0; i < 8; ++i) setenv(("ESCAPE" + std::to_string(i)).c_str(), value.c_str(), 1);
  becomeSleep(memfd_create("escape", MFD_CLOEXEC), environ);
}

// The name makes the line in /proc/PID/stat ambiguous.
int oddName() {
  prctl(PR_SET_NAME, ") Z 1 (\n\xff");
  inChild([] {
    prctl(PR_SET_NAME, "");
    setsid();
    ready();
  });
  stay();
}

int noDescriptors() {
  say("ready\n");
  close_range(0, ~0U, 0);
  inChild([] { setsid(), stay(); });
  stay();
}

int vforkedProgram() {
  say("ready\n");
  if (vfork() == 0) {
    execl("/bin/sleep", "sleep", "60", nullptr);
    _exit(0);
  }
  stay();
}

}  // namespace

const std::vector<EscapeTactic>& disguisedTactics() {
  static const std::vector<EscapeTactic> kTactics = {{"threads-only", threadsOnly},
                                                     {"many-threads", manyThreads},
                                                     {"own-mounts", ownMounts},
                                                     {"own-users", ownUsers},
                                                     {"own-network", ownNetwork},
                                                     {"own-root", ownRoot},
                                                     {"own-everything", ownEverything},
                                                     {"other-user", otherUser},
                                                     {"not-dumpable", notDumpable},
                                                     {"death-signal", deathSignal},
                                                     {"subreaper", subreaper},
                                                     {"sibling", sibling},
                                                     {"silent-child", silentChild},
                                                     {"stopped-at-exit", stoppedAtExit},
                                                     {"stopped-group", stoppedGroup},
                                                     {"handles-everything", handlesEverything},
                                                     {"busy-loop", busyLoop},
                                                     {"lowest-priority", lowestPriority},
                                                     {"directory-gone", directoryGone},
                                                     {"pipe-in-flight", pipeInFlight},
                                                     {"memory-program", memoryProgram},
                                                     {"deleted-program", deletedProgram},
                                                     {"empty-environment", emptyEnvironment},
                                                     {"large-environment", largeEnvironment},
                                                     {"odd-name", oddName},
                                                     {"no-descriptors", noDescriptors},
                                                     {"vforked-program", vforkedProgram}};
  return kTactics;
}

}  // namespace robustness
