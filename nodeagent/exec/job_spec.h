// A job's specification as the agent keeps it: checked, and independent of the message it came in.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/exec/output_buffer.h"
#include "nodeagent/os/spawn.h"
#include "nodeagent/os/users.h"
#include "nodeagent/session/session.h"
#include "schema/job.capnp.h"
#include "schema/support/base/sha256.h"

namespace nodeagent {

constexpr size_t kArgumentsShown = 64;
constexpr size_t kArgumentBytesShown = 256;
constexpr size_t kArgumentBytesKept = 1024;  // More, so that a secret is still recognised as one.

struct JobSpec {
  struct Variable {
    kj::String name;
    kj::String value;
  };

  kj::Array<kj::String> argv;
  kj::Array<Variable> environment;
  wire::JobSpec::EnvironmentBase environmentBase = wire::JobSpec::EnvironmentBase::LOGIN;
  kj::String directory;
  kj::String user;   // Empty: the keeper's own.
  kj::String group;  // Empty: the user's primary one.
  mode_t umask = 022;
  wire::JobSpec::Input::Which input = wire::JobSpec::Input::NONE;
  kj::Array<kj::byte> inlineInput;
  OutputPolicy output;
  OutputPolicy errors;
  bool mergeErrors = false;

  bool hasTerminal = false;
  uint16_t terminalColumns = 0;
  uint16_t terminalRows = 0;
  kj::String terminalType;

  int64_t deadlineNs = 0;  // INT64_MAX: none.
  int64_t graceNs = 0;
  int64_t drainNs = 0;
  wire::JobSpec::JobLifetime lifetime = wire::JobSpec::JobLifetime::SESSION;
  kj::Array<Label> labels;
  kj::Array<ResourceLimit> limits;     // Of the process.
  kj::Array<const char*> limitNames;   // Of the same, as the schema spells them.
  kj::Maybe<uint64_t> memoryBytesMax;  // Of the whole job.
  kj::Maybe<uint64_t> processesMax;
  kj::Maybe<int> niceness;

  // Of the whole specification in its canonical form: equal for equal specifications.
  support::Digest hash{};

  // Lets go of what only the start needs, and of arguments beyond what lists show: results are kept
  // by the thousand.
  void trim();
};

// Fails with kind invalid; the text names the field, its value, and what would be right.
JobSpec readJobSpec(wire::JobSpec::Reader spec);

// "NAME=value", each name once, in the order of the base and then of first mention. `user` is whom
// the job runs as. `marker` as in ProcessSet.
kj::Array<kj::String> buildEnvironment(const JobSpec& spec, const User& user, kj::StringPtr marker);

// The failure's text, such as: start "kvd": directory "/x": No such file or directory.
kj::String spawnFailureText(const JobSpec& spec, const SpawnFailure& failure,
                            kj::ArrayPtr<const kj::String> environment);

}  // namespace nodeagent
