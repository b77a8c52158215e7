// What was done and what was seen during a trial, on both sides, and the model that says whether
// that can be: the invariants of the project as one function of the records.
//
//   I1  no byte of output lost, repeated or reordered     I5  no call later than its deadline
//   I2  nothing executed twice                            I6  the exit status is the real one
//   I3  every command ended in a known way                I7  a file is the old or the new version
//
// (I4, nothing left behind, is a matter of the node: see residue.h.)
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <muster/muster.h>

namespace faults {

using SteadyTime = std::chrono::steady_clock::time_point;

// One command: what it was told to do, and what its caller got.
struct CommandRecord {
  std::string name;  // Of the command; unique in the history, and of its streams (".err" added).
  uint64_t outLines = 0;
  uint64_t errLines = 0;
  int exitStatus = 0;

  SteadyTime called;
  SteadyTime deadline;
  SteadyTime returned;
  std::optional<muster::Outcome> outcome;  // Absent: an exception.
  std::string out;
  std::string err;
  std::optional<muster::NodeError::Kind> error;
  std::string errorText;
};

// One replacement of a file by its version `version`, or one look at it.
struct FileRecord {
  std::string path;  // Each is written by one thread.
  bool write = false;
  uint64_t version = 0;  // Written, or seen.
  bool whole = true;     // Of a look: the content was that of a version, in full.
  SteadyTime called;
  SteadyTime deadline;
  SteadyTime returned;
  std::optional<muster::NodeError::Kind> error;
  std::string errorText;
};

struct History {
  std::vector<CommandRecord> commands;
  std::vector<FileRecord> files;               // Of one path: in order.
  std::multimap<std::string, int> executions;  // Command to pid, as the payloads noted them.
};

// What a trial allows besides "exited with the status it was told, with all of its output".
struct Allowed {
  std::set<muster::Outcome::Kind> outcomes;
  std::set<muster::NodeError::Kind> errors;
  // How late a call may return after its deadline: 250 ms, and what this machine stalled.
  std::chrono::nanoseconds overrunMax = std::chrono::milliseconds(250);
};

// What cannot be, one sentence each. Empty: the history is right.
std::vector<std::string> violations(const History& history, const Allowed& allowed);

// For the report of a trial.
struct Figures {
  size_t commands = 0;
  size_t exited = 0;
  size_t otherOutcomes = 0;
  size_t errors = 0;
  size_t fileCalls = 0;
  uint64_t outputBytes = 0;
  std::chrono::nanoseconds overrunWorst{0};
};
Figures figuresOf(const History& history);

// "12 commands (11 exited, 1 otherwise), 0 errors, 40 file calls, 12345 bytes, overrun at most 0
// ms"
std::string toString(const Figures& figures);

// Lines "<command> <pid>" of the file that payloads append to.
std::multimap<std::string, int> parseExecutions(const std::string& text);

}  // namespace faults
