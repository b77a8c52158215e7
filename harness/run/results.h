// Tells what became of the tests of a run, from its records. It changes no result: what exonerates
// one is a record of its own, and stands beside it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/run/outcome.h"
#include "harness/run/run_record.h"

namespace harness::run {

struct Failure {
  std::string text = {};

  // Where it was reported. Empty and 0: nowhere.
  std::string file = {};
  int line = 0;

  // Nanoseconds since the run's begin.
  int64_t at = 0;

  // It is one of nodes or set-up.
  bool isInfrastructure = false;
};

// One time that a test was to run.
struct Attempt {
  // From 1. A repeat is wanted; another attempt follows a failure.
  int number = 1;
  int repeat = 1;

  Outcome outcome = Outcome::kNotRun;

  // Why it has the outcome, where the failures do not say it: a signal, the reason to skip.
  std::string because = {};

  // It has not ended, and its program lives.
  bool isRunning = false;

  double seconds = 0;

  // Nanoseconds since the run's begin; -1: it did not begin, or has no end.
  int64_t begin = Item::kNever;
  int64_t end = Item::kNever;

  std::vector<Failure> failures = {};

  // The nodes that it had.
  std::vector<std::string> nodes = {};

  // The record of it by its program: places in RunRecord::files and RecordFile::items. -1: there is
  // none.
  int file = -1;
  int item = -1;

  // The name of the program's record. Empty: it did not begin.
  std::string program = {};
};

struct TestResult {
  std::string component = {};
  std::string suite = {};
  std::string name = {};

  // Where it is declared. Empty and 0: unknown.
  std::string file = {};
  int line = 0;

  std::vector<std::string> labels = {};
  std::vector<std::string> requirements = {};
  std::string owner = {};

  // At least one, in the order in which they were to run.
  std::vector<Attempt> attempts = {};

  // The worst of the attempts, or what an exoneration has made of it.
  Outcome outcome = Outcome::kNotRun;

  // Why: of the exoneration, or of the worst attempt.
  std::string because = {};

  // COMPONENT/SUITE.NAME, which names the test in its run and in all others.
  std::string id() const;

  // Returns the attempt that has the outcome, or the last one.
  const Attempt& deciding() const;
};

struct RunResult {
  // In the order in which they were announced.
  std::vector<TestResult> tests = {};

  // What failed outside of tests: in set-ups and tear-downs of programs, and of the run.
  std::vector<Failure> failures = {};

  // Some of the record is missing or damaged.
  bool isWhole = true;
  bool isRunning = false;

  // The exit status that the run has (docs/reference/records.md).
  int exitStatus = 0;

  // Nanoseconds from its begin to the last thing that is known of it.
  int64_t length = 0;

  size_t count(Outcome outcome) const;
};

RunResult resultOf(const RunRecord& run);

}  // namespace harness::run
