// Counts the events of simulated runs by class.
//
// A campaign in which one class never happened has tested less than it says, and is void.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <string>
#include <vector>

namespace simulation {

// One name per class of event. The list specifies which events a campaign has to reach.
#define SIMULATION_EVENTS(X)                                         \
  X(kCommandRun, "command run to its end")                           \
  X(kCommandStarted, "command started and followed")                 \
  X(kStartedAgain, "start of the same number sent again")            \
  X(kConflict, "start of a taken number with another specification") \
  X(kSpentStart, "start of an acknowledged number")                  \
  X(kAcknowledged, "command acknowledged")                           \
  X(kReread, "output read again from an earlier offset")             \
  X(kInputWritten, "input written")                                  \
  X(kInputAgain, "input sent again with an overlap")                 \
  X(kInputGap, "input sent with a gap")                              \
  X(kInputDamaged, "input sent with a wrong check sum")              \
  X(kSignalSent, "signal sent")                                      \
  X(kCancelled, "command cancelled")                                 \
  X(kDeadlinePassed, "command killed at its deadline")               \
  X(kOutputLimit, "command killed at its output limit")              \
  X(kNotStarted, "command that cannot be started")                   \
  X(kOutputBlocked, "command waits for its reader")                  \
  X(kHeadKept, "output beyond the head dropped")                     \
  X(kTailKept, "output before the tail dropped")                     \
  X(kSpilled, "output moved to the disk")                            \
  X(kDiskFull, "disk full")                                          \
  X(kDiskTorn, "write to the disk broken off")                       \
  X(kDiskRotten, "disk gives back other bytes")                      \
  X(kTermIgnored, "process ignores TERM")                            \
  X(kTermHandled, "process ends by itself after TERM")               \
  X(kSlowDeath, "killed process takes its time")                     \
  X(kLeftRunning, "process left running by its command")             \
  X(kFileReplaced, "file replaced by an upload")                     \
  X(kFileNew, "new file uploaded")                                   \
  X(kFileRead, "file read back by parts")                            \
  X(kChunkAgain, "part of an upload sent again with an overlap")     \
  X(kChunkGap, "part of an upload sent with a gap")                  \
  X(kChunkDamaged, "part of an upload sent with a wrong check sum")  \
  X(kUploadAgain, "upload begun again where it was")                 \
  X(kUploadUnfinished, "upload finished too early")                  \
  X(kUploadWrong, "upload finished with a wrong digest")             \
  X(kUploadAbandoned, "upload abandoned")                            \
  X(kUploadLost, "upload ended with its session")                    \
  X(kUploadKilled, "keeper killed with an upload open")              \
  X(kSessionClosed, "session closed")                                \
  X(kControllerCrashed, "controller killed")                         \
  X(kFrontKilled, "front killed and restarted")                      \
  X(kKeeperKilled, "keeper killed and restarted")                    \
  X(kRebooted, "node rebooted")                                      \
  X(kLinkReset, "connection reset")                                  \
  X(kLinkCutInFrame, "connection reset at a byte within a frame")    \
  X(kLinkClosed, "connection closed")                                \
  X(kBlackhole, "both directions silent")                            \
  X(kHalfBlackhole, "one direction silent")                          \
  X(kSlowLink, "slow connection")                                    \
  X(kFragmented, "bytes delivered in fragments")                     \
  X(kDialRefused, "connecting refused")                              \
  X(kDialSilent, "connecting unanswered")                            \
  X(kReconnected, "connection made again")                           \
  X(kWallClockSet, "wall clock set")                                 \
  X(kSuspended, "node suspended")                                    \
  X(kLostByRestart, "command lost: keeper restarted")                \
  X(kLostByReboot, "command lost: node rebooted")                    \
  X(kLostByExpiry, "command lost: session expired")                  \
  X(kLateAnswer, "answer: timeout")                                  \
  X(kNoConnection, "answer: unreachable")

enum class Event : size_t {
#define SIMULATION_NAME(name, text) name,
  SIMULATION_EVENTS(SIMULATION_NAME)
#undef SIMULATION_NAME
      kCount
};

constexpr size_t kEvents = static_cast<size_t>(Event::kCount);

inline const char* textOf(Event event) {
  static constexpr const char* kTexts[] = {
#define SIMULATION_TEXT(name, text) text,
      SIMULATION_EVENTS(SIMULATION_TEXT)
#undef SIMULATION_TEXT
  };
  return kTexts[static_cast<size_t>(event)];
}

struct Coverage {
  std::array<uint64_t, kEvents> counts{};

  void add(const Coverage& other) {
    for (size_t i = 0; i < kEvents; ++i) counts[i] += other.counts[i];
  }
  std::vector<Event> missing() const {
    std::vector<Event> never;
    for (size_t i = 0; i < kEvents; ++i) {
      if (counts[i] == 0) never.push_back(static_cast<Event>(i));
    }
    return never;
  }
};

}  // namespace simulation
