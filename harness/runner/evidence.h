// Makes a failure of the record out of what a program has left of its end: where it crashed, or
// where its threads were when it was ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/run/record_writer.h"
#include "harness/runner/test_process.h"

namespace harness::runner {

struct Evidence {
  // The fields of the failure. It stands beside those that the program has recorded before.
  nlohmann::json failure = nlohmann::json::object();

  // What the terminal shows of it.
  std::string shown = {};

  // The file with the stacks of all threads, from the directory of the run. Empty: there is none.
  std::string path = {};
  uint64_t bytes = 0;
};

// Returns the evidence of how a process came to its end, of which it was the outcome of `test` or,
// if that is null, of none. `writer` names the process; a file of it is written below
// `runDirectory`. nullopt: the process has left none.
std::optional<Evidence> evidenceOf(const ProcessResult& result, const LiveTest* test,
                                   const std::string& runDirectory, const std::string& writer);

// Records it as a failure of an item. Absent: there is none.
void addEvidence(run::RecordWriter& writer, const std::string& item,
                 const std::optional<Evidence>& evidence);

}  // namespace harness::runner
