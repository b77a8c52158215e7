// The help of `muster`: the overview, and the page of each command, from the table of commands.
#pragma once

#include <string>

#include "harness/cli/command.h"

namespace harness {

// No line of a help text is longer.
inline constexpr size_t kHelpColumns = 80;

// All commands, with what is common to them.
std::string overview();

// One command: usage, options, notes; of a group, its actions.
std::string helpOf(const Command& command);

}  // namespace harness
