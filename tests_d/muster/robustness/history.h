// The records of a trial, on both sides, and the model that checks them.
//
// The model is one function of the records and holds these invariants:
//
//   I1  no byte of output lost, repeated or reordered     I5  no call later than its deadline
//   I2  nothing executed twice                            I6  the exit status is the real one
//   I3  every command ended in a known way                I7  a file is the old or the new version
//
// Invariant I4, that nothing is left behind, is a matter of the node (residue.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <muster/muster.h>

namespace robustness {

using SteadyTime = std::chrono::steady_clock::time_point;

// One command, with its instructions and the result that its caller got.
struct CommandRecord {
  // Unique in the history. The streams carry it too, the one of errors with ".err" added.
  std::string name;
  uint64_t outLines = 0;
  uint64_t errLines = 0;
  int exitStatus = 0;

  SteadyTime called;
  SteadyTime deadline;
  SteadyTime returned;
  std::optional<muster::Outcome> outcome;  // Absent if the call threw.
  std::string out;
  std::string err;
  std::optional<muster::NodeError::Kind> error;
  std::string errorText;
};

// One replacement of a file by version `version`, or one look at the file.
struct FileRecord {
  std::string path;  // One thread writes each path.
  bool write = false;
  uint64_t version = 0;  // The version that was written, or seen.
  bool whole = true;     // A look found the content of a version, in full.
  SteadyTime called;
  SteadyTime deadline;
  SteadyTime returned;
  std::optional<muster::NodeError::Kind> error;
  std::string errorText;
};

struct History {
  std::vector<CommandRecord> commands;
  // Records of one path are in order.
  std::vector<FileRecord> files;
  // The pids by command, as the payloads noted them.
  std::multimap<std::string, int> executions;
};

// Results that a trial allows besides an exit with the right status and all of the output.
struct Allowed {
  std::set<muster::Outcome::Kind> outcomes;
  std::set<muster::NodeError::Kind> errors;
  // The time after its deadline at which a call must have returned, for a machine without stalls.
  std::chrono::nanoseconds overrunMax = std::chrono::milliseconds(250);
};

// Describes each violation of an invariant in one sentence. Empty if the history is right.
std::vector<std::string> violations(const History& history, const Allowed& allowed);

// The figures that the report of a trial shows.
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

// Writes the figures as "12 commands (11 exited, 1 otherwise), 0 errors, 40 file calls, 12345
// bytes, overrun at most 0 ms".
std::string toString(const Figures& figures);

// Reads the lines "<command> <pid>" that payloads append to a file.
std::multimap<std::string, int> parseExecutions(const std::string& text);

}  // namespace robustness
