// How a child process ended, learned through its pidfd, so that no other wait in the process is
// disturbed.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <kj/common.h>

namespace nodeagent {

struct ExitReport {
  bool signalled = false;
  bool coreDumped = false;
  int value = 0;  // Exit status, or the signal's number.
  int64_t cpuUserNs = 0;
  int64_t cpuSystemNs = 0;
  // Includes what the process was before its program: of a child, the size of its parent then.
  uint64_t residentBytesMax = 0;
  bool taken = false;  // Somebody else has reaped it: nothing above is known.
};

// Reaps the child of `pidfd` if it has ended; null: it has not. Never blocks.
kj::Maybe<ExitReport> reapChild(int pidfd);

// As ExitReport::residentBytesMax, of this process until now.
uint64_t ownResidentBytesMax();

// Sends a signal to exactly this process. 0, or an errno: ESRCH if it has ended.
int signalChild(int pidfd, int signal);

}  // namespace nodeagent
