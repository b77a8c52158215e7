// Takes from the directory of a run what the index keeps of it: plain values, bounded. What they
// mean for a test is said by harness/run/results.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace harness::history {

// The file in the directory of a run that keeps the run from being removed. It has the reason.
inline constexpr char kPinnedFile[] = "pinned";

enum class RunState {
  // Its record is whole.
  kEnded,
  // A program of it lives.
  kRunning,
  // Some of its record is missing or wrong.
  kDamaged,
};

// "ended", "running", "damaged".
std::string_view wordOf(RunState state);
RunState runStateOf(std::string_view word);

struct IndexedFailure {
  int attempt = 1;
  int repeat = 1;
  std::string text = {};
  std::string file = {};
  int line = 0;
  bool isInfrastructure = false;
};

struct IndexedResult {
  std::string test = {};
  std::string component = {};
  std::string suite = {};
  std::string name = {};
  std::string file = {};
  int line = 0;

  // A word of harness/run/outcome.h.
  std::string outcome = {};
  std::string because = {};

  // The time of the attempt that decided.
  double seconds = 0;
  size_t attempts = 1;

  // An attempt failed and another one passed.
  bool isMixed = false;

  // Those of all attempts that did not pass, at most 20. An attempt without a failed assertion has
  // its reason.
  std::vector<IndexedFailure> failures = {};
};

struct IndexedRun {
  // The name of its directory.
  std::string id = {};

  // CLOCK_REALTIME in nanoseconds.
  int64_t began = 0;
  double seconds = 0;
  RunState state = RunState::kEnded;

  // What is damaged. Empty: nothing.
  std::string problem = {};
  int exitStatus = 0;

  // Empty: unknown.
  std::string revision = {};
  std::string branch = {};
  bool isDirty = false;
  std::string product = {};
  std::string muster = {};
  std::string host = {};
  std::string command = {};

  std::vector<IndexedResult> results = {};
};

// Reads a run. A run that cannot be read is kDamaged and says why: nothing is thrown because of
// what is in the directory.
IndexedRun indexedRun(const std::string& directory);

// Returns a text that changes whenever a record of the run does. Empty: there is no record.
std::string fingerprintOf(const std::string& directory);

// Returns why a run is pinned; nullopt: it is not.
std::optional<std::string> pinOf(const std::string& directory);

}  // namespace harness::history
