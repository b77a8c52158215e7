// Mistakes that are easily made in this code, planted one at a time to measure what the simulation
// finds (docs/internals/simulation.md). In every other build none of them exists.
#pragma once

#ifndef MUSTER_PLANTED_BUG
#define MUSTER_PLANTED_BUG 0
#endif
#if MUSTER_PLANTED_BUG != 0 && !defined(MUSTER_SIMULATION)
#error \
    "MUSTER_PLANTED_BUG is set: planted bugs are for the variants of tests_d/muster/simulation only"
#endif

namespace support {

// One a line, with its number: the build and ./dev read them here.
enum class Bug {
  kNone = 0,
  kStartsAgain = 1,             // A start of a known number starts the command again.
  kConflictIgnored = 2,         // ... and whether the specification is the same is not asked.
  kSpentForgotten = 3,          // An acknowledged number may be started anew.
  kReleasedUnasked = 4,         // Output that was read is dropped though nobody released it.
  kReleasedOneTooFar = 5,       // One byte more than was released is dropped.
  kDropMiscounted = 6,          // Dropped bytes are counted one short.
  kRingEndForgotten = 7,        // A ring's second piece is written over its first.
  kLeaseNotRenewed = 8,         // Attaching again does not renew the lease.
  kLeaseOnWallClock = 9,        // The lease is counted on a clock that may be set.
  kTermNeverKill = 10,          // After TERM and its grace nobody kills.
  kKillWithoutGrace = 11,       // Killed at once, whatever the grace.
  kEndNotSignalled = 12,        // Who waits for the end of a command is not woken.
  kInputAppliedTwice = 13,      // Input that overlaps is fed again.
  kInputSumUnchecked = 14,      // Damaged input is fed.
  kInputGapAccepted = 15,       // Input with a gap is fed.
  kStatusTruncated = 16,        // Exit status cut to seven bits.
  kSignalAsExit = 17,           // Ended by a signal, reported as a shell would.
  kEndBeforeDrain = 18,         // Reported as ended before its output is read.
  kLastJobKept = 19,            // A session's end forgets one of its commands.
  kLeftRunningForgotten = 20,   // What an ended command left running is not the session's any more.
  kAttachMakesAnew = 21,        // Attaching to a session that has ended begins it anew.
  kRetryWithNewNumber = 22,     // A start that is sent again goes under another number.
  kRebootTakenForRestart = 23,  // A reboot is reported as a restart of the agent.
  kSilenceUnnoticed = 24,       // A heartbeat that is not answered is waited for.
  kSpoolFailureIgnored = 25,    // Output that could not be written counts as kept.
  kSpillForgetsMemory = 26,     // What was in memory is not moved to the file.
  kFreedByFirstRead = 27,       // The record goes with the first look at the result.
  kBlockedOutputDropped = 28,   // Output is dropped where the process should wait.
  kDrainsForEver = 29,          // A command's end waits for whoever holds its output.
  kRunningNeverFewer = 30,      // Ended commands count as running.
  kOffsetOneShort = 31,         // The controller reads on one byte early.
  kUploadOverlapKept = 32,      // What arrived before is written again behind itself.
  kUploadGapAccepted = 33,      // A part of an upload with a gap before it is taken.
  kUploadDigestUnchecked = 34,  // Whether what arrived is what was sent is not asked.
  kUploadUnfinishedTaken = 35,  // A file takes its place before all of it has arrived.
  kUploadPartNotNoted = 36,     // Nobody knows of the part that a killed keeper leaves.
  kUploadFinishedOnce = 37,     // Finishing an upload again fails.
  kReleasedAhead = 38,          // Output is dropped when what comes behind it is asked for.
};

static constexpr bool planted(Bug bug) {
  return MUSTER_PLANTED_BUG != 0 && static_cast<int>(bug) == MUSTER_PLANTED_BUG;
}

}  // namespace support
