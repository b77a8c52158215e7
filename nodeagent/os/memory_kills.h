// What the kernel's log says about processes that were killed because memory ran out.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <deque>

#include <kj/common.h>
#include <kj/io.h>
#include <kj/string.h>

namespace nodeagent {

enum class MemoryKill {
  kUnknown,  // The kernel does not tell.
  kNo,
  kPerhaps,  // Some process of the node was killed; it is not known whose.
  kYes,
};

struct LoggedKill {
  pid_t pid = 0;            // As the whole machine numbers it.
  int64_t monotonicNs = 0;  // More or less.
};

// null: the line of /dev/kmsg is about something else.
kj::Maybe<LoggedKill> parseLoggedKill(kj::StringPtr line);

// Follows the log from its making on. Of one thread; never blocks.
class MemoryKills {
 public:
  MemoryKills();
  KJ_DISALLOW_COPY(MemoryKills);

  // Whether the process, which was killed, was killed for that reason after `sinceMonotonicNs`.
  MemoryKill of(pid_t pid, int64_t sinceMonotonicNs);

 private:
  bool readOn();

  kj::AutoCloseFd log_;        // Unset: it may not be read.
  bool numbersAgree_ = false;  // Our pids are those of the log.
  std::deque<LoggedKill> kills_;
};

}  // namespace nodeagent
