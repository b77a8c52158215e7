// Tells from the kernel's log whether a process was killed because memory ran out.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <deque>

#include <kj/common.h>
#include <kj/io.h>
#include <kj/string.h>

namespace nodeagent {

enum class MemoryKill {
  // The kernel does not tell.
  kUnknown,
  kNo,
  // Some process of the node was killed, but the log does not say whose.
  kPerhaps,
  kYes,
};

// Tells whether our numbers of processes are those of the kernel's log.
bool isFirstPidNamespace();

struct LoggedKill {
  // Numbered as the whole machine does it.
  pid_t pid = 0;
  // Approximate.
  int64_t monotonicNs = 0;
};

// Reads a line of /dev/kmsg; null if it is about something else.
kj::Maybe<LoggedKill> parseLoggedKill(kj::StringPtr line);

// Follows the log from the object's construction on. It belongs to one thread and never blocks.
class MemoryKills {
 public:
  MemoryKills();
  KJ_DISALLOW_COPY(MemoryKills);

  // Says whether a killed process was killed for that reason after `sinceMonotonicNs`.
  MemoryKill of(pid_t pid, int64_t sinceMonotonicNs);

 private:
  bool readOn();

  // Unset if the log may not be read.
  kj::AutoCloseFd log_;
  // True if our pids are those of the log.
  bool numbersAgree_ = false;
  std::deque<LoggedKill> kills_;
};

}  // namespace nodeagent
