// Learns through its pidfd how a child process ended, so that no other wait in the process is
// disturbed.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <kj/common.h>

namespace nodeagent {

struct ExitReport {
  bool signalled = false;
  bool coreDumped = false;
  // The exit status, or the signal's number.
  int value = 0;
  int64_t cpuUserNs = 0;
  int64_t cpuSystemNs = 0;
  // Includes the time before the child became its program, so it is never less than its parent's
  // size then.
  uint64_t residentBytesMax = 0;
  // True if somebody else has reaped it: nothing above is known.
  bool taken = false;
};

// Reaps the child of `pidfd` if it has ended; null if it has not. Never blocks.
kj::Maybe<ExitReport> reapChild(int pidfd);

// Returns ExitReport::residentBytesMax of this process until now.
uint64_t ownResidentBytesMax();

// Sends a signal to exactly this process. Returns 0, or an errno: ESRCH if it has ended.
int signalChild(int pidfd, int signal);

}  // namespace nodeagent
