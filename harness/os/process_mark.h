// Names this process for other programs, which may be on other machines and come when it is gone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace harness {

struct ProcessMark {
  std::string host;
  pid_t pid = 0;

  // As startTimeOf: with it, the pid names one process for ever.
  uint64_t startTime = 0;

  // Returns the mark of this process.
  static ProcessMark own();

  // Reads what text() has written. nullopt: it is none.
  static std::optional<ProcessMark> parse(const std::string& text);

  // "build7/4711/88123"
  std::string text() const;

  // Says whether the process is one of this machine that still runs.
  bool runsHere() const;
};

}  // namespace harness
