// Lists what happened in one attempt of a test, from its record: steps, commands, waits, faults,
// the last lines of logs, and the files that it left. It judges nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/run/results.h"
#include "harness/run/run_record.h"

namespace harness::history {

struct Event {
  // A kind of docs/reference/records.md: step, command, call, wait, fault.
  std::string kind = {};

  // How many events it is in: a command in a step has 1.
  int depth = 0;
  std::string node = {};

  // What it was, in one line: the text of a step, the words of a command.
  std::string text = {};

  // What came of it, in one line: an outcome or an error. Empty: nothing is known, or it went well.
  std::string outcome = {};

  // Nanoseconds since the begin of the attempt, and from its begin to its end. -1: not known.
  int64_t begin = run::Item::kNever;
  int64_t length = run::Item::kNever;
};

struct LogLine {
  std::string node = {};
  std::string source = {};
  std::string text = {};
};

struct Artifact {
  // Relative to the directory of the run, as its record has it.
  std::string path = {};
  std::string type = {};
  std::string node = {};

  // -1: not known.
  int64_t bytes = -1;
};

struct AttemptEvents {
  // In the order in which they began.
  std::vector<Event> events = {};

  // The last ones of each log, at most 10 of one.
  std::vector<LogLine> lines = {};
  std::vector<Artifact> artifacts = {};
};

// Returns nothing for an attempt of which no program has a record.
AttemptEvents eventsOf(const run::RunRecord& run, const run::Attempt& attempt);

// Returns the artifacts of the whole run that belong to no test.
std::vector<Artifact> artifactsOutsideTests(const run::RunRecord& run);

}  // namespace harness::history
