#include "tests_d/muster/robustness/loop_watch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests_d/muster/robustness/shared_file.h"

namespace robustness {

LoopWatch::LoopWatch(const std::string& directory)
    : path_(directory + "/loop-turns"),
      turns_(static_cast<LoopTurns*>(mapShared(path_, sizeof(LoopTurns)))) {
  turns_->ownNsBound = getenv(kStrictVariable) == nullptr ? kOwnBusyNsMax : kOwnNsMax;
}

LoopWatch::~LoopWatch() {
  munmap(turns_, sizeof(LoopTurns));
  unlink(path_.c_str());
}

std::string LoopWatch::flaw() const {
  if (turns_->blockedNsMax > kBlockedNsMax) return "a turn of the keeper's loop waited: " + text();
  if (turns_->ownLong > 0)
    return "turns of the keeper's loop worked for long: " + text() + "; addr2line -Cfie AGENT" +
           turns_->ownPlace;
  return "";
}

std::string LoopWatch::text() const {
  char text[160];
  std::snprintf(text, sizeof(text), "%llu turns, at most %.1f ms blocked and %.1f ms of CPU time",
                static_cast<unsigned long long>(turns_->count),
                static_cast<double>(turns_->blockedNsMax) / 1e6,
                static_cast<double>(turns_->ownNsMax) / 1e6);
  return turns_->place[0] == 0 ? text : std::string(text) + "; blocked in " + turns_->place;
}

}  // namespace robustness
