#include "nodeagent/os/memory_kills.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nodeagent {
namespace {

constexpr size_t kKillsMax = 256;
constexpr int kLinesMax = 1000;  // Reading this many takes less than a millisecond.
constexpr int64_t kClockSlackNs = 1'000'000'000;  // The log's clock runs a little beside ours.
constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;

}  // namespace

bool isFirstPidNamespace() {
  struct stat space {};
  return stat("/proc/self/ns/pid", &space) == 0 && space.st_ino == kFirstPidNamespace;
}

// Reads "6,1234,5678901,-;Memory cgroup out of memory: Killed process 42 (dd) total-vm:..." and the
// line before it, "6,1233,5678900,-;oom-kill:constraint=...,task=dd,pid=42,uid=0". The numbers are
// the priority, the number of the line, and microseconds.
kj::Maybe<LoggedKill> parseLoggedKill(kj::StringPtr line) {
  const char* text = strchr(line.cStr(), ';');
  const char* time = strchr(line.cStr(), ',');
  if (text == nullptr || time == nullptr) return nullptr;
  time = strchr(time + 1, ',');
  if (time == nullptr || time > text) return nullptr;
  const char* pid = nullptr;
  // The last "pid=" counts, because the process chose the name before it.
  const char* from = strncmp(text + 1, "oom-kill:", 9) == 0 ? text : nullptr;
  while (from != nullptr && (from = strstr(from, ",pid=")) != nullptr) pid = from += 5;
  const char* done = strstr(text, "ut of memory");
  if (done != nullptr) done = strstr(done, ": Killed process ");
  if (done != nullptr) pid = done + 17;
  if (pid == nullptr || *pid < '1' || *pid > '9') return nullptr;
  return LoggedKill{static_cast<pid_t>(strtol(pid, nullptr, 10)),
                    strtoll(time + 1, nullptr, 10) * 1000};
}

MemoryKills::MemoryKills()
    : log_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
      numbersAgree_(isFirstPidNamespace()) {
  if (log_.get() >= 0 && lseek(log_, 0, SEEK_END) < 0) log_ = kj::AutoCloseFd();
}

// Reads the new lines. Returns false if not all of them are known.
bool MemoryKills::readOn() {
  char line[8192];
  for (int count = 0; count < kLinesMax; ++count) {
    ssize_t length = read(log_, line, sizeof(line) - 1);
    if (length < 0 && errno == EAGAIN) return true;
    if (length < 0 && (errno == EPIPE || errno == EINTR)) continue;  // Overwritten meanwhile.
    if (length <= 0) return false;
    line[length] = '\0';
    KJ_IF_MAYBE (kill, parseLoggedKill(kj::StringPtr(line, static_cast<size_t>(length))))
      kills_.push_back(*kill);
    if (kills_.size() > kKillsMax) kills_.pop_front();
  }
  return false;
}

MemoryKill MemoryKills::of(pid_t pid, int64_t sinceMonotonicNs) {
  if (log_.get() < 0) return MemoryKill::kUnknown;
  auto found = readOn() ? MemoryKill::kNo : MemoryKill::kUnknown;
  for (auto& kill : kills_) {
    if (kill.monotonicNs < sinceMonotonicNs - kClockSlackNs) continue;
    if (numbersAgree_ && kill.pid == pid) return MemoryKill::kYes;
    found = MemoryKill::kPerhaps;
  }
  return found;
}

}  // namespace nodeagent
