// A job's specification as the agent keeps it: checked, and independent of the message it came in.
// It does not start the job (job_launch.cc does).
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/exec/output_buffer.h"
#include "nodeagent/os/spawn.h"
#include "nodeagent/os/users.h"
#include "nodeagent/session/session.h"
#include "schema/job.capnp.h"
#include "schema/support/base/sha256.h"

namespace nodeagent::exec {

constexpr size_t kArgumentsShown = 64;
constexpr size_t kArgumentBytesShown = 1024;

struct JobSpec {
  kj::Array<kj::String> argv;
  // Holds the first kArgumentsShown arguments as people may see them: without words that look like
  // secrets, each cut at kArgumentBytesShown.
  std::vector<std::string> shownArgv;
  kj::Array<Variable> environment;
  wire::JobSpec::EnvironmentBase environmentBase = wire::JobSpec::EnvironmentBase::LOGIN;
  kj::String directory;
  // Is empty for the keeper's own user.
  kj::String user;
  // Is empty for the user's primary group.
  kj::String group;
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

  // Is INT64_MAX for a job without a deadline.
  int64_t deadlineNs = 0;
  int64_t graceNs = 0;
  int64_t drainNs = 0;
  wire::JobSpec::JobLifetime lifetime = wire::JobSpec::JobLifetime::SESSION;
  kj::Array<Label> labels;
  // Bound each process by itself.
  kj::Array<ResourceLimit> limits;
  // The names of `limits` as the schema spells them.
  kj::Array<const char*> limitNames;
  // These limits bound the whole job.
  kj::Maybe<uint64_t> memoryBytesMax;
  kj::Maybe<uint64_t> processesMax;
  kj::Maybe<int> niceness;

  // The digest of the specification in its canonical form. It is equal for equal specifications.
  support::Digest hash{};

  // Frees the fields that only the start needs, and arguments but for the program, because results
  // are kept by the thousand.
  void trim();
};

// Puts the variables of the job's session before those of its specification, which win. A job whose
// environment has no base gets none.
void addVariables(JobSpec& spec, kj::Vector<Variable> ofSession);

// Checks and copies a specification. Fails with kind invalid and a text that names the field, its
// value and the remedy.
JobSpec readJobSpec(wire::JobSpec::Reader spec);

// Returns the environment as items "NAME=value", with each name once, in the order of the base and
// then of first mention. `user` is the user that the job runs as. `marker` comes from
// ProcessSet::marker.
kj::Array<kj::String> buildEnvironment(const JobSpec& spec, const User& user, kj::StringPtr marker);

// Returns the step of the start as controllers know it.
wire::JobOutcome::StartStep startStepOf(SpawnStage stage);

// Returns the text of a failure, which names the program, the step and the operating system's
// reason.
kj::String spawnFailureText(const JobSpec& spec, const SpawnFailure& failure,
                            kj::ArrayPtr<const kj::String> environment);

}  // namespace nodeagent::exec
