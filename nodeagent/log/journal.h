// Reads the journal of systemd, by journalctl. Everything here blocks, and belongs on a worker
// thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/log/line_filter.h"
#include "nodeagent/log/log_values.h"
#include "nodeagent/os/command.h"

namespace nodeagent::logs {

// Runs a program of the node. Tests put their own in its place.
using RunTool = std::function<CommandResult(kj::ArrayPtr<const kj::String> argv, int64_t limitNs,
                                            const CommandOutput& output)>;

// Fails with kind invalid for a text that cannot be the name of a unit.
void requireUnit(const std::string& unit);

// Both fail with kind unsupported where the node has no journal, and say what is missing.
Mark markJournal(const RunTool& run);

// Reads the entries that a word of journalctl selects, such as "--unit=sshd.service"; an empty one
// means all. `to` of kind kUnspecified: the slice ends with the last entry.
Part readJournal(const RunTool& run, const std::string& selection, const Mark& from, const Mark& to,
                 const LineFilter& filter, const PartLimits& limits);

// One entry of the export format.
struct JournalEntry {
  std::string cursor;
  std::string unit;
  std::string message;
};

// Reads the whole entries of a text in the export format, and leaves out one that is cut off at the
// end.
std::vector<JournalEntry> parseExport(std::string_view text);

}  // namespace nodeagent::logs
