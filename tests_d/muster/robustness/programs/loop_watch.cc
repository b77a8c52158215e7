// Measures the turns of the agent's event loop, as loop_watch.h says.
//
// The linker sends the loop's wait for events here. A thread of its own looks at the loop's thread
// meanwhile, because a turn that waits cannot say where it is. One that works is interrupted by a
// timer of its CPU time.
#include "tests_d/muster/robustness/loop_watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

namespace {

using robustness::LoopTurns;

LoopTurns* turns = nullptr;
int schedulerFile = -1;
// The time at which the turn began, or 0 during the wait for events.
std::atomic<int64_t> begunNs = 0;
std::atomic<bool> wasStopped = false;
// The time that the machine below this one took from it, as it was known last.
std::atomic<int64_t> stolenNs = 0;
// Where the turn was when the other thread looked last.
char place[LoopTurns::kPlaceBytes];

struct Times {
  int64_t nowNs = 0;
  int64_t ranNs = 0;
  // The time in which the thread could run and had no CPU.
  int64_t waitedNs = 0;
  // Counts how often the thread gave its CPU away because it had to wait.
  int64_t waits = 0;
};

int64_t read(clockid_t clock) {
  timespec now{};
  syscall(SYS_clock_gettime, clock, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

Times timesNow() {
  Times times;
  char text[64] = {};
  syscall(SYS_pread64, schedulerFile, text, sizeof(text) - 1, 0);
  long long ran = 0;
  long long waited = 0;
  sscanf(text, "%lld %lld", &ran, &waited);
  times.waitedNs = waited;
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  times.waits = used.ru_nvcsw;
  times.ranNs = read(CLOCK_THREAD_CPUTIME_ID);
  times.nowNs = read(CLOCK_MONOTONIC);
  return times;
}

void raise(std::atomic<int64_t>& most, int64_t value) {
  if (value > most) most = value;
}

void copyText(const char* file, char* to, size_t size) {
  long fd = syscall(SYS_open, file, O_RDONLY | O_CLOEXEC);
  long count = fd < 0 ? 0 : syscall(SYS_read, fd, to, size - 1);
  to[count > 0 ? count : 0] = 0;
  if (fd >= 0) syscall(SYS_close, fd);
}

// Reads the eighth number of the first line of /proc/stat.
int64_t stolenNow() {
  char text[256];
  copyText("/proc/stat", text, sizeof(text));
  long long ticks = 0;
  sscanf(text, "cpu %*d %*d %*d %*d %*d %*d %*d %lld", &ticks);
  return ticks * int64_t{10'000'000};
}

// Sums up how long all other threads of this process could run and had no CPU. One of them may hold
// a lock that the loop needs.
int64_t othersWaitedNow() {
  struct Entry {
    uint64_t number;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[1];
  };
  alignas(Entry) char entries[4096];
  int64_t waitedNs = 0;
  long fd = syscall(SYS_open, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return 0;
  for (;;) {
    long count = syscall(SYS_getdents64, fd, entries, sizeof(entries));
    if (count <= 0) break;
    for (long at = 0; at < count;) {
      auto* entry = reinterpret_cast<const Entry*>(entries + at);
      at += entry->size;
      int thread = atoi(entry->name);
      if (thread == 0 || thread == getpid()) continue;
      char path[64];
      char text[64];
      snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", thread);
      copyText(path, text, sizeof(text));
      long long waited = 0;
      sscanf(text, "%*d %lld", &waited);
      waitedNs += waited;
    }
  }
  syscall(SYS_close, fd);
  return waitedNs;
}

// What tells that the machine was too busy for a turn, from before its begin on.
constexpr int64_t kLookNs = 10'000'000;
std::atomic<int64_t> lookedNs = 0;
// By how much all sleeps of notePlaces() together were too long.
std::atomic<int64_t> oversleptNs = 0;
std::atomic<int64_t> oversleptBeforeNs = 0;
std::atomic<int64_t> othersWaitedBeforeNs = 0;

int64_t oversleptInTurn(int64_t nowNs) {
  int64_t late = nowNs - lookedNs - kLookNs;
  return oversleptNs - oversleptBeforeNs + (late > 0 ? late : 0);
}

void notePlaces() {
  timespec pause{0, kLookNs};
  lookedNs = read(CLOCK_MONOTONIC);
  for (;;) {
    nanosleep(&pause, nullptr);
    int64_t now = read(CLOCK_MONOTONIC);
    int64_t late = now - lookedNs - kLookNs;
    lookedNs = now;
    if (late > 0) oversleptNs += late;
    stolenNs = stolenNow();
    int64_t since = begunNs;
    if (since == 0 || now - since < kLookNs) {
      oversleptBeforeNs = oversleptNs.load();
      othersWaitedBeforeNs = othersWaitedNow();
    }
    if (since == 0 || now - since < robustness::kBlockedNsMax / 2) continue;
    char thread[64];
    char where[100];
    char call[100];
    snprintf(thread, sizeof(thread), "/proc/self/task/%d/wchan", getpid());
    copyText(thread, where, sizeof(where));
    snprintf(thread, sizeof(thread), "/proc/self/task/%d/syscall", getpid());
    copyText(thread, call, sizeof(call));
    snprintf(place, sizeof(place), "%s, system call %s", where, call);
  }
}

// What the timer found in the current turn: how often, and the last stack.
struct Samples {
  static constexpr int kFrames = 12;

  volatile int count = 0;
  uint64_t frames[kFrames];
};
Samples samples;

// The ends of the program's code.
extern "C" char __executable_start;
extern "C" char etext;

// Takes words of the stack that could be return addresses, since unwinding takes locks that the
// interrupted code may hold.
void sample(int, siginfo_t*, void* context) {
  constexpr int kWords = 512;
  const auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  auto* stack = reinterpret_cast<const uint64_t*>(registers[REG_RSP]);
  int found = 0;
  samples.frames[found++] = static_cast<uint64_t>(registers[REG_RIP]);
  for (int i = 0; i < kWords && found < Samples::kFrames; ++i) {
    bool isCode = stack[i] > reinterpret_cast<uint64_t>(&__executable_start) &&
                  stack[i] < reinterpret_cast<uint64_t>(&etext);
    if (isCode) samples.frames[found++] = stack[i];
  }
  while (found < Samples::kFrames) samples.frames[found++] = 0;
  samples.count = samples.count + 1;
}

void beginSampling() {
  struct sigaction action {};
  action.sa_sigaction = sample;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigaction(SIGPROF, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event._sigev_un._tid = getpid();
  timer_t timer;
  itimerspec every{{0, 1'000'000}, {0, 1'000'000}};
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0 ||
      timer_settime(timer, 0, &every, nullptr) != 0) {
    abort();  // Without its watch, a trial would pass.
  }
}

void noteLongTurn() {
  ++turns->ownLong;
  int at = 0;
  for (uint64_t frame : samples.frames) {
    at += snprintf(turns->ownPlace + at, sizeof(turns->ownPlace) - static_cast<size_t>(at), " %llx",
                   static_cast<unsigned long long>(frame));
  }
}

bool isShim() {
  char arguments[4096];
  copyText("/proc/self/cmdline", arguments, sizeof(arguments));
  return strcmp(arguments + strlen(arguments) + 1, "--shim") == 0;
}

bool begin() {
  const char* path = getenv(robustness::kLoopVariable);
  if (!path || isShim()) return false;
  long fd = syscall(SYS_open, path, O_RDWR | O_CLOEXEC);
  void* memory =
      mmap(nullptr, sizeof(LoopTurns), PROT_READ | PROT_WRITE, MAP_SHARED, static_cast<int>(fd), 0);
  syscall(SYS_close, fd);
  schedulerFile =
      static_cast<int>(syscall(SYS_open, "/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  if (memory == MAP_FAILED || schedulerFile < 0) abort();  // Without its watch, a trial would pass.
  turns = static_cast<LoopTurns*>(memory);
  struct sigaction action {};
  action.sa_handler = [](int) { wasStopped = true; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGCONT, &action, nullptr);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(notePlaces).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  beginSampling();
  return true;
}

}  // namespace

extern "C" {

int __real_epoll_wait(int, epoll_event*, int, int);

int __wrap_epoll_wait(int fd, epoll_event* events, int eventsMax, int timeoutMs) {
  static const bool kWatches = begin();
  static Times begun;
  static int64_t begunStolenNs = 0;
  if (!kWatches || syscall(SYS_gettid) != getpid())
    return __real_epoll_wait(fd, events, eventsMax, timeoutMs);
  if (begunNs != 0) {
    Times now = timesNow();
    begunNs = 0;
    int64_t ran = now.ranNs - begun.ranNs;
    int64_t blocked = now.nowNs - begun.nowNs - ran - (now.waitedNs - begun.waitedNs);
    // A thread that never waited was without a CPU because the host of a virtual machine stole it.
    if (now.waits == begun.waits) blocked = 0;
    if (blocked > robustness::kBlockedNsMax) {
      blocked -= stolenNow() - begunStolenNs + oversleptInTurn(now.nowNs);
      // It may have waited for a thread that holds a lock and had no CPU.
      blocked -= othersWaitedNow() - othersWaitedBeforeNs;
    }
    if (wasStopped.exchange(false)) blocked = 0;
    ++turns->count;
    // What was stolen counts as CPU time of the thread.
    if (ran > robustness::kOwnNsMax) {
      ran -= stolenNow() - begunStolenNs + oversleptInTurn(now.nowNs);
    }
    int64_t most = samples.count >= robustness::kSamplesMin ? turns->ownNsBound.load()
                                                            : robustness::kOwnBusyNsMax;
    if (ran > most) noteLongTurn();
    if (blocked > turns->blockedNsMax) memcpy(turns->place, place, sizeof(place));
    raise(turns->blockedNsMax, blocked);
    raise(turns->ownNsMax, ran);
    place[0] = 0;
  }
  int result = __real_epoll_wait(fd, events, eventsMax, timeoutMs);
  wasStopped = false;
  begunStolenNs = stolenNs;
  samples.count = 0;
  begun = timesNow();
  begunNs = begun.nowNs;
  return result;
}
}
