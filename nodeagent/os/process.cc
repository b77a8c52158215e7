#include "nodeagent/os/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "nodeagent/os/read_file.h"

namespace nodeagent {
namespace {

constexpr size_t kEnvironmentBytesMax = 1 << 20;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

}  // namespace

kj::Maybe<ProcessInfo> readProcess(pid_t pid) {
  char path[40];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  auto text = readFile(path, 4096);
  // The command stands in parentheses and may itself contain any character, so its end is the last
  // one.
  const char* open = strchr(text.cStr(), '(');
  const char* close = strrchr(text.cStr(), ')');
  if (open == nullptr || close == nullptr || close < open) return nullptr;
  ProcessInfo info;
  info.pid = pid;
  info.command = kj::heapString(open + 1, static_cast<size_t>(close - open - 1));
  unsigned long long startTicks = 0;
  int count = sscanf(
      close + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
      &info.state, &info.parent, &info.group, &info.session, &startTicks);
  if (count != 5) return nullptr;
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

bool startedWithVariable(pid_t pid, kj::StringPtr prefix) {
  char path[40];
  snprintf(path, sizeof(path), "/proc/%d/environ", pid);
  auto environment = readFile(path, kEnvironmentBytesMax);
  const char* end = environment.cStr() + environment.size();
  for (const char* item = environment.cStr(); item < end; item += strlen(item) + 1) {
    if (kj::StringPtr(item).startsWith(prefix)) return true;
  }
  return false;
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
