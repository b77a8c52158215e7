#include "nodeagent/os/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <kj/debug.h>

#include "nodeagent/os/read_file.h"

namespace nodeagent {
namespace {

constexpr size_t kEnvironmentBytesMax = 1 << 20;
constexpr int kExecLooks = 21;
// Bounds the looks at a process that waits for a CPU, which takes long on a busy node.
constexpr int kExecLooksMax = 500;
constexpr long kExecPauseNs = 1'000'000;
constexpr unsigned kKernelThread = 0x00200000;  // PF_KTHREAD

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// The text of /proc/PID/stat. Its command stands in parentheses and may itself contain any
// character, so the last one ends it.
struct StatText {
  kj::String text;
  const char* open = nullptr;
  const char* close = nullptr;
};
// Null if there is no such process.
kj::Maybe<StatText> readStat(pid_t pid) {
  char path[40];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  StatText stat;
  stat.text = readFile(path, 4096);
  stat.open = strchr(stat.text.cStr(), '(');
  stat.close = strrchr(stat.text.cStr(), ')');
  if (stat.open == nullptr || stat.close == nullptr || stat.close < stat.open) return nullptr;
  return kj::mv(stat);
}

// Tells a process without environment from one that does not have it yet. The kernel sets the end
// of the code after the environment, and shows 1 to readers that may not know it.
struct Program {
  bool hasNone = true;  // The process is gone, a zombie, or the kernel's own.
  unsigned long long endOfCode = 0;
  unsigned long long stack = 0;
  bool operator==(const Program&) const = default;
};
Program readProgram(pid_t pid) {
  Program program;
  KJ_IF_MAYBE (stat, readStat(pid)) {
    char state = '?';
    unsigned flags = 0;
    int count = sscanf(stat->close + 1,
                       " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                       "%*u %*u %*d %*u %*u %llu %llu",
                       &state, &flags, &program.endOfCode, &program.stack);
    program.hasNone = count < 4 || state == 'Z' || state == 'X' || (flags & kKernelThread) != 0;
  }
  return program;
}

}  // namespace

kj::Maybe<ProcessInfo> readProcess(pid_t pid) {
  auto stat = readStat(pid);
  if (stat == nullptr) return nullptr;
  const char* open = KJ_ASSERT_NONNULL(stat).open;
  const char* close = KJ_ASSERT_NONNULL(stat).close;
  ProcessInfo info;
  info.pid = pid;
  info.command = kj::heapString(open + 1, static_cast<size_t>(close - open - 1));
  unsigned long long startTicks = 0;
  int threads = 0;
  int count = sscanf(close + 1,
                     " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d %llu",
                     &info.state, &info.parent, &info.group, &info.session, &threads, &startTicks);
  if (count != 6) return nullptr;
  info.hasEnded = info.state == 'X' || (info.state == 'Z' && threads <= 1);
  info.startTicks = startTicks;
  return kj::mv(info);
}

kj::Vector<ProcessInfo> listProcesses() {
  kj::Vector<ProcessInfo> result;
  Directory directory(opendir("/proc"));
  if (directory == nullptr) return result;
  while (dirent* entry = readdir(directory.get())) {
    pid_t pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    KJ_IF_MAYBE (info, readProcess(pid)) result.add(kj::mv(*info));
  }
  std::sort(result.begin(), result.end(),
            [](auto& left, auto& right) { return left.pid < right.pid; });
  return result;
}

kj::Maybe<kj::Vector<pid_t>> ownChildren() {
  Directory directory(opendir("/proc/self/task"));
  if (directory == nullptr) return nullptr;
  kj::Vector<pid_t> children;
  while (dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    auto path = kj::str("/proc/self/task/", entry->d_name, "/children");
    if (access(path.cStr(), R_OK) != 0) return nullptr;
    auto text = readFile(path);
    char* position = text.begin();
    while (*position != '\0') {
      char* end = nullptr;
      long pid = strtol(position, &end, 10);
      if (end == position) break;
      children.add(static_cast<pid_t>(pid));
      position = *end == ' ' ? end + 1 : end;
    }
  }
  return kj::mv(children);
}

namespace {

// Returns the environment; empty if there is none, or none to be seen.
kj::String readEnvironment(pid_t pid) {
  char path[40];
  snprintf(path, sizeof(path), "/proc/%d/environ", pid);
  auto environment = readFile(path, kEnvironmentBytesMax);
  if (environment.size() > 0) return environment;
  KJ_IF_MAYBE (info, readProcess(pid)) {
    if (info->state != 'Z' || info->hasEnded) return environment;
  }
  // The first thread has ended, but the others still have the environment.
  auto tasks = kj::str("/proc/", pid, "/task");
  Directory directory(opendir(tasks.cStr()));
  if (directory == nullptr) return environment;
  while (dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] == '.' || environment.size() > 0) continue;
    environment = readFile(kj::str(tasks, "/", entry->d_name, "/environ"), kEnvironmentBytesMax);
  }
  return environment;
}

}  // namespace

kj::Maybe<bool> startedWithVariable(pid_t pid, kj::StringPtr prefix) {
  // An empty environment is believed only if the process ran one program before and after the look:
  // in an exec it is empty for a moment.
  auto before = readProgram(pid);
  auto environment = readEnvironment(pid);
  if (environment.size() == 0) {
    auto after = readProgram(pid);
    if (after.hasNone || (after.endOfCode != 0 && after == before)) return false;
    return nullptr;
  }
  const char* end = environment.cStr() + environment.size();
  for (const char* item = environment.cStr(); item < end; item += strlen(item) + 1) {
    if (kj::StringPtr(item).startsWith(prefix)) return true;
  }
  return false;
}

namespace {

bool isRunnable(pid_t pid) {
  KJ_IF_MAYBE (info, readProcess(pid)) return info->state == 'R';
  return false;
}

}  // namespace

std::set<pid_t> allStartedWith(kj::ArrayPtr<const pid_t> pids, kj::StringPtr prefix) {
  std::set<pid_t> found;
  kj::Vector<pid_t> open;
  open.addAll(pids);
  for (int look = 0; look < kExecLooksMax && !open.empty(); ++look) {
    if (look > 0) {
      timespec pause{0, kExecPauseNs};
      nanosleep(&pause, nullptr);
    }
    kj::Vector<pid_t> unknown;
    for (pid_t pid : open) {
      auto started = startedWithVariable(pid, prefix);
      // A process that waits for a CPU cannot finish its exec, so it gets more looks than one that
      // runs.
      if (started == nullptr && (look < kExecLooks - 1 || isRunnable(pid))) unknown.add(pid);
      if (started.orDefault(false)) found.insert(pid);
    }
    open = kj::mv(unknown);
  }
  return found;
}

kj::Vector<pid_t> holdersOf(kj::ArrayPtr<const pid_t> pids, kj::StringPtr link) {
  kj::Vector<pid_t> holders;
  for (pid_t pid : pids) {
    auto path = kj::str("/proc/", pid, "/fd");
    Directory directory(opendir(path.cStr()));
    if (directory == nullptr) continue;
    while (dirent* entry = readdir(directory.get())) {
      char target[128];
      ssize_t length = readlinkat(dirfd(directory.get()), entry->d_name, target, sizeof(target));
      if (length > 0 && link == kj::heapString(target, static_cast<size_t>(length))) {
        holders.add(pid);
        break;
      }
    }
  }
  return holders;
}

}  // namespace nodeagent
