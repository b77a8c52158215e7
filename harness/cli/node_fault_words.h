// The words and options of `muster fault add` for faults of single nodes, as opposed to those of
// the network (fault_words.h).
#pragma once

#include <string>
#include <vector>

#include "harness/cli/arguments.h"
#include "harness/cli/option.h"
#include "harness/fault/node_effect.h"

namespace harness {

// The kind that is no lease: its processes are killed.
inline constexpr const char* kKillKind = "kill";

// The kind that --even-ours makes one of a command, which returns at its end.
inline constexpr const char* kDownKind = "down";

// The kinds, such as "pause", in no order.
std::vector<std::string> nodeFaultKinds();

// Returns the options that only faults of nodes have.
OptionList nodeFaultOptions();

// Those of them that `kind` has; none for a fault of the network.
OptionList nodeFaultOptionsOf(const std::string& kind);

// Returns the option --delay, which a slow network has too.
const DurationOption& delayOption();

// Tells whether --even-ours was given.
bool isEvenOurs(const Arguments& arguments);

// Returns the bytes of a size such as "64M", with K, M, G and T for powers of 1024.
uint64_t sizeOf(const std::string& value);
std::string sizeProblem(const std::string& value);

// Return what the options say of the processes, and of the effect of `kind`, which is not "kill".
// Throw CommandError with kExitUsage where one is missing or they exclude each other, and NodeError
// kInvalid for a value out of its range.
muster::ProcessChoice processesOf(const Arguments& arguments);
fault::NodeEffect nodeEffectOf(const std::string& kind, const Arguments& arguments);

}  // namespace harness
