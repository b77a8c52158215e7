// Reads the records of a whole run from its directory, in one order of time. What they mean for the
// tests is said by results.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/run/record_file.h"

namespace harness::run {

struct RunRecord {
  std::string directory;
  std::string id;

  // The runner's file comes first, if there is one, then those of programs in the order in which
  // they began, what is told of their crashes, and those of nested programs last. There is at least
  // one.
  std::vector<RecordFile> files;

  // Sentences about what is missing or damaged, with the name of the file. Empty: the record is
  // whole, or goes on.
  std::vector<std::string> problems;

  // A writer lives.
  bool isRunning = false;

  // CLOCK_REALTIME at the run's begin, in nanoseconds.
  int64_t wall = 0;

  // Returns the file of the runner; null: a program was started by hand.
  const RecordFile* runner() const;

  // Returns nanoseconds since the run's begin, of a time in one of `files`.
  int64_t timeOf(const RecordFile& file, int64_t at) const;

  // Returns a program's place in `files` by the name of its file; -1: there is none.
  int find(const std::string& name) const;
};

// Throws SystemError if the directory has no records.
RunRecord readRun(const std::string& directory);

// Tells whether a file is no record of a program's own, but tells how others came to their end:
// that of the runner, or one about the crash of a program that was started by hand.
bool tellsOfOthers(const RecordFile& file);

// Tells whether a file is of a program that a test has started.
bool isNested(const RecordFile& file);

}  // namespace harness::run
