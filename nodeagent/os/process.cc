#include "nodeagent/os/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <kj/debug.h>
#include <kj/function.h>
#include <kj/io.h>

#include "nodeagent/os/directory.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

// The kernel takes 6 MiB at most, but a process can show any part of its memory as environment.
constexpr size_t kEnvironmentBytesMax = 8 << 20;
constexpr size_t kEnvironmentPartBytes = 64 << 10;
constexpr int kLooksMax = 500;
constexpr long kLookPauseNs = 1'000'000;
constexpr unsigned kKernelThread = 0x00200000;  // PF_KTHREAD
// The kernel keeps no more of a program's name.
constexpr size_t kCommandBytesMax = 15;
// Names stand at the beginning of a command line.
constexpr size_t kCommandLineBytesMax = 4096;

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

kj::StringPtr lastPart(kj::StringPtr path) {
  KJ_IF_MAYBE (slash, path.findLast('/')) return path.slice(*slash + 1);
  return path;
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
  unsigned flags = 0;
  unsigned long long userTicks = 0;
  unsigned long long kernelTicks = 0;
  unsigned long long startTicks = 0;
  int count = sscanf(
      close + 1, " %c %d %d %d %*d %*d %u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %d %*d %llu",
      &info.state, &info.parent, &info.group, &info.session, &flags, &userTicks, &kernelTicks,
      &info.threads, &startTicks);
  if (count != 9) return nullptr;
  info.isOfKernel = (flags & kKernelThread) != 0;
  info.hasEnded = info.state == 'X' || (info.state == 'Z' && info.threads <= 1);
  info.startTicks = startTicks;
  info.cpuTicks = userTicks + kernelTicks;
  return kj::mv(info);
}

kj::Maybe<ProcessInfo> readProcessSurely(pid_t pid) {
  auto process = readProcess(pid);
  if (process == nullptr && (::kill(pid, 0) == 0 || errno != ESRCH)) {
    support::fail(wire::Error::Kind::SYSTEM, "process ", pid, " is there, and cannot be looked at");
  }
  return process;
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

bool isProcessName(kj::StringPtr name) {
  if (name.size() == 0 || name.size() > kProcessNameBytesMax) return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

kj::Maybe<kj::StringPtr> nameAmong(const ProcessInfo& process,
                                   kj::ArrayPtr<const kj::String> names) {
  for (auto& name : names) {
    if (name.size() <= kCommandBytesMax && process.command == name) return name.asPtr();
  }
  if (names.size() == 0) return nullptr;
  auto line = readFile(kj::str("/proc/", process.pid, "/cmdline"), kCommandLineBytesMax);
  // argv[0] ends with the first zero byte, as the pointer does.
  kj::StringPtr program = lastPart(line.cStr());
  for (auto& name : names) {
    if (program == name) return name.asPtr();
  }
  return nullptr;
}

kj::Maybe<kj::Vector<pid_t>> childrenOf(pid_t pid) {
  auto tasks = kj::str("/proc/", pid, "/task");
  Directory directory(opendir(tasks.cStr()));
  if (directory == nullptr) return nullptr;
  kj::Vector<pid_t> children;
  while (dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    kj::AutoCloseFd fd(
        openat(dirfd(directory.get()), kj::str(entry->d_name, "/children").cStr(), O_RDONLY));
    if (fd.get() < 0) {
      if (errno == ENOENT && faccessat(dirfd(directory.get()), entry->d_name, F_OK, 0) != 0)
        continue;  // The thread has ended.
      return nullptr;
    }
    auto text = readAll(fd);
    char* position = text.begin();
    while (*position != '\0') {
      char* end = nullptr;
      long child = strtol(position, &end, 10);
      if (end == position) break;
      children.add(static_cast<pid_t>(child));
      position = *end == ' ' ? end + 1 : end;
    }
  }
  return kj::mv(children);
}

kj::Maybe<kj::String> commandOf(pid_t pid) {
  auto text = readFile(kj::str("/proc/", pid, "/comm"), 64);
  if (text.size() == 0) return nullptr;
  return kj::heapString(text.begin(), text.size() - 1);  // Without its newline.
}

namespace {

// Calls `look` with each part of the environment, one after the other, until it returns false.
// Returns the count of bytes that were read.
size_t readEnvironment(kj::StringPtr path, kj::FunctionParam<bool(kj::ArrayPtr<const char>)> look) {
  kj::AutoCloseFd fd(open(path.cStr(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return 0;
  auto part = kj::heapArray<char>(kEnvironmentPartBytes);
  size_t total = 0;
  while (total < kEnvironmentBytesMax) {
    ssize_t count = pread(fd, part.begin(), part.size(), static_cast<off_t>(total));
    if (count <= 0) break;
    total += static_cast<size_t>(count);
    if (!look(part.slice(0, static_cast<size_t>(count)))) break;
  }
  return total;
}

// Finds an entry that begins with `prefix` in a text of entries that comes in parts.
class EntrySearch {
 public:
  explicit EntrySearch(kj::StringPtr prefix) : prefix_(prefix) {}

  bool hasFound() const { return matched_ == prefix_.size(); }

  // Returns whether it has to look on.
  bool look(kj::ArrayPtr<const char> part) {
    for (char c : part) {
      if (hasFound()) return false;
      if (c == '\0') {
        matched_ = 0;
      } else if (matched_ != kDiffers) {
        matched_ = c == prefix_[matched_] ? matched_ + 1 : kDiffers;
      }
    }
    return !hasFound();
  }

 private:
  static constexpr size_t kDiffers = SIZE_MAX;

  kj::StringPtr prefix_;
  // Counts the characters of the entry that are those of the prefix.
  size_t matched_ = 0;
};

// Returns how much of an environment could be seen.
size_t searchEnvironment(pid_t pid, EntrySearch& search) {
  auto look = [&search](kj::ArrayPtr<const char> part) { return search.look(part); };
  size_t seen = readEnvironment(kj::str("/proc/", pid, "/environ"), look);
  if (seen > 0) return seen;
  KJ_IF_MAYBE (info, readProcess(pid)) {
    if (info->state != 'Z' || info->hasEnded) return 0;
  }
  // The first thread has ended, but the others still have the environment.
  auto tasks = kj::str("/proc/", pid, "/task");
  Directory directory(opendir(tasks.cStr()));
  if (directory == nullptr) return 0;
  while (dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] == '.' || seen > 0) continue;
    seen = readEnvironment(kj::str(tasks, "/", entry->d_name, "/environ"), look);
  }
  return seen;
}

// Says whether a thread of the process is in an uninterruptible call. It may hold the lock of the
// process's memory, perhaps for ever, and so would a reader of that memory wait.
bool isUninterruptible(pid_t pid) {
  KJ_IF_MAYBE (info, readProcess(pid)) {
    if (info->state == 'D') return true;
    if (info->threads <= 1) return false;
  }
  auto tasks = kj::str("/proc/", pid, "/task");
  Directory directory(opendir(tasks.cStr()));
  if (directory == nullptr) return false;
  while (dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    auto text = readFile(kj::str(tasks, "/", entry->d_name, "/stat"), 4096);
    const char* close = strrchr(text.cStr(), ')');
    if (close != nullptr && strncmp(close, ") D", 3) == 0) return true;
  }
  return false;
}

}  // namespace

kj::Maybe<bool> startedWithVariable(pid_t pid, kj::StringPtr prefix) {
  if (isUninterruptible(pid)) return nullptr;
  // An empty environment is believed only if the process ran one program before and after the look:
  // in an exec it is empty for a moment.
  auto before = readProgram(pid);
  EntrySearch search(prefix);
  if (searchEnvironment(pid, search) > 0) return search.hasFound();
  auto after = readProgram(pid);
  if (after.hasNone || (after.endOfCode != 0 && after == before)) return false;
  return nullptr;
}

StartedWith allStartedWith(kj::ArrayPtr<const pid_t> pids, kj::StringPtr prefix) {
  StartedWith result;
  result.unknown.insert(pids.begin(), pids.end());
  for (int look = 0; look < kLooksMax && !result.unknown.empty(); ++look) {
    if (look > 0) {
      timespec pause{0, kLookPauseNs};
      nanosleep(&pause, nullptr);
    }
    std::erase_if(result.unknown, [&](pid_t pid) {
      auto started = startedWithVariable(pid, prefix);
      if (started.orDefault(false)) result.found.insert(pid);
      return started != nullptr;
    });
  }
  return result;
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
