// The options that say what runs must have besides green tests (docs/reference/gates.md), for the
// commands that judge runs.
#pragma once

#include <string>

#include "harness/cli/command_error.h"
#include "harness/cli/option.h"
#include "harness/os/error.h"
#include "harness/verdict/gates.h"
#include "schema/support/base/config.h"

namespace harness {

class Arguments;

inline constexpr TextOption kGates({
    .name = "gates",
    .value = "FILE",
    .help = "what must be so besides green tests: how many have run, where, and for how long",
    .completes = WordKind::kFiles,
});

// Says what is wrong with an environment such as "image=debian-12"; empty: nothing.
std::string environmentProblem(const std::string& text);

inline constexpr ListOption kRequireEnvironment({
    .name = "require-environment",
    .value = "NAME",
    .help = "fail without results of this value of topology, or PROPERTY=VALUE; may be given "
            "several times",
    .problem = environmentProblem,
});

// Calls `read`, which reads a configuration file. Throws CommandError with kExitData for a file
// that is wrong, and with kExitNoInput for one that cannot be read.
template <typename Read>
auto readOrFail(Read read) {
  try {
    return read();
  } catch (const support::ConfigError& error) {
    throw CommandError(kExitData, error.what());
  } catch (const SystemError& error) {
    throw CommandError(kExitNoInput, error.what());
  }
}

// Returns what both options ask for. Throws CommandError.
verdict::Gates gatesOf(const Arguments& arguments);

}  // namespace harness
