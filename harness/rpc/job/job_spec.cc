// Requests and outcomes between the schema and the public values.
#include "harness/rpc/bytes.h"
#include "harness/rpc/job/job_runner.h"
#include "schema/support/base/command_size.h"

namespace harness {
namespace {

wire::JobSpec::Overflow overflowOf(muster::OutputOverflow overflow) {
  switch (overflow) {
    case muster::OutputOverflow::kKeepHead:
      return wire::JobSpec::Overflow::KEEP_HEAD;
    case muster::OutputOverflow::kKeepTail:
      return wire::JobSpec::Overflow::KEEP_TAIL;
    case muster::OutputOverflow::kKill:
      return wire::JobSpec::Overflow::KILL;
    case muster::OutputOverflow::kBlock:
      break;
  }
  return wire::JobSpec::Overflow::BLOCK;
}

wire::JobSpec::EnvironmentBase baseOf(muster::EnvironmentBase base) {
  switch (base) {
    case muster::EnvironmentBase::kAgent:
      return wire::JobSpec::EnvironmentBase::AGENT;
    case muster::EnvironmentBase::kNone:
      return wire::JobSpec::EnvironmentBase::NONE;
    case muster::EnvironmentBase::kLogin:
      break;
  }
  return wire::JobSpec::EnvironmentBase::LOGIN;
}

muster::Outcome killed(muster::Outcome::Kind kind, wire::JobOutcome::Ending::Reader ending) {
  if (ending.isExited()) return muster::Outcome::killed(kind, ending.getExited(), 0);
  return muster::Outcome::killed(kind, 0, ending.getSignalled().getNumber());
}

muster::OutOfMemory outOfMemoryOf(wire::JobOutcome::OutOfMemory said) {
  switch (said) {
    case wire::JobOutcome::OutOfMemory::NO:
      return muster::OutOfMemory::kNo;
    case wire::JobOutcome::OutOfMemory::PERHAPS:
      return muster::OutOfMemory::kPerhaps;
    case wire::JobOutcome::OutOfMemory::YES:
      return muster::OutOfMemory::kYes;
    case wire::JobOutcome::OutOfMemory::UNKNOWN:
      break;
  }
  return muster::OutOfMemory::kUnknown;
}

muster::StartStep startStepOf(wire::JobOutcome::StartStep step) {
  switch (step) {
    case wire::JobOutcome::StartStep::OTHER:
      return muster::StartStep::kOther;
    case wire::JobOutcome::StartStep::DIRECTORY:
      return muster::StartStep::kDirectory;
    case wire::JobOutcome::StartStep::PROGRAM:
      return muster::StartStep::kProgram;
    case wire::JobOutcome::StartStep::UNSPECIFIED:
      break;
  }
  return muster::StartStep::kUnspecified;
}

muster::LostReason reasonOf(wire::JobOutcome::Lost::Reason reason) {
  switch (reason) {
    case wire::JobOutcome::Lost::Reason::KEEPER_RESTARTED:
      return muster::LostReason::kKeeperRestarted;
    case wire::JobOutcome::Lost::Reason::NODE_REBOOTED:
      return muster::LostReason::kNodeRebooted;
    case wire::JobOutcome::Lost::Reason::RECORD_DAMAGED:
      return muster::LostReason::kRecordDamaged;
    case wire::JobOutcome::Lost::Reason::SUPERVISOR_KILLED:
      return muster::LostReason::kSupervisorKilled;
    case wire::JobOutcome::Lost::Reason::UNSPECIFIED:
      break;
  }
  return muster::LostReason::kUnspecified;
}

void writeStreams(wire::JobSpec::Builder spec, const JobRequest& request) {
  const muster::RunOptions& options = request.options;
  for (auto policy : {spec.initOutput(), spec.initErrors()}) {
    auto writable = policy;
    writable.setRetainedBytesMax(options.outputBytesMax);
    writable.setOverflow(overflowOf(options.overflow));
  }
  spec.setMergeErrors(options.stderrTo == muster::StderrTo::kStdout);
  if (request.terminal) {
    auto terminal = spec.initTerminal();
    terminal.setColumns(request.terminal->columns);
    terminal.setRows(request.terminal->rows);
    terminal.setType(request.terminal->type);
  }
  auto input = spec.initInput();
  if (isInputStreamed(request)) {
    input.setStream();
  } else if (options.input.empty()) {
    input.setNone();
  } else {
    input.setInline(dataOf(options.input));
  }
}

}  // namespace

bool isInputStreamed(const JobRequest& request) {
  return request.input == JobInput::kStream || request.terminal ||
         request.options.input.size() > support::kInlineInputBytesMax;
}

void requireValid(const JobRequest& request) {
  auto invalid = [](kj::StringPtr text) { support::fail(wire::Error::Kind::INVALID, text); };
  if (request.argv.empty()) invalid("argv: empty");
  if (!request.options.deadline || request.options.deadline->count() <= 0) {
    invalid("deadline: must be positive");
  }
  support::CommandSize size;
  size.expectArguments(request.argv.size());
  for (const std::string& argument : request.argv) size.addArgument(argument.size());
  size.expectVariables(request.options.environment.size());
  for (const auto& [name, value] : request.options.environment) {
    size.addVariable(name.size(), value.size());
  }
}

void writeSpec(wire::JobSpec::Builder spec, const JobRequest& request) {
  const muster::RunOptions& options = request.options;
  auto argv = spec.initArgv(static_cast<unsigned>(request.argv.size()));
  for (unsigned i = 0; i < argv.size(); ++i) argv.set(i, dataOf(request.argv[i]));
  auto environment = spec.initEnvironment(static_cast<unsigned>(options.environment.size()));
  unsigned at = 0;
  for (const auto& [name, value] : options.environment) {
    environment[at].setName(dataOf(name));
    environment[at].setValue(dataOf(value));
    ++at;
  }
  spec.setEnvironmentBase(baseOf(options.environmentBase));
  spec.setDirectory(dataOf(options.directory));
  spec.setUser(options.user);
  spec.setGroup(options.group);
  writeStreams(spec, request);
  spec.setDeadlineNs(options.deadline->count());
  spec.setGraceNs(options.grace.count());
  auto labels = spec.initLabels(static_cast<unsigned>(options.labels.size()));
  at = 0;
  for (const auto& [name, value] : options.labels) {
    labels[at].setName(name);
    labels[at++].setValue(value);
  }
  if (request.coreBytesMax) {
    auto limit = spec.initLimits(1)[0];
    limit.setResource(wire::JobSpec::Limit::Resource::CORE_BYTES);
    limit.setValue(*request.coreBytesMax);
  }
  spec.setLifetime(options.lifetime == muster::CommandLifetime::kDetached
                       ? wire::JobSpec::JobLifetime::DETACHED
                       : wire::JobSpec::JobLifetime::SESSION);
}

muster::Outcome readOutcome(wire::JobOutcome::Reader outcome) {
  using muster::Outcome;
  switch (outcome.which()) {
    case wire::JobOutcome::EXITED:
      return Outcome::exited(outcome.getExited());
    case wire::JobOutcome::SIGNALLED:
      return Outcome::signalled(outcome.getSignalled().getNumber(),
                                outcome.getSignalled().getCoreDumped() ? Outcome::CoreDump::kWritten
                                                                       : Outcome::CoreDump::kNone,
                                outOfMemoryOf(outcome.getSignalled().getOutOfMemory()));
    case wire::JobOutcome::NOT_STARTED:
      return Outcome::notStarted(outcome.getNotStarted().getErrno(),
                                 stringOf(outcome.getNotStarted().getText()),
                                 startStepOf(outcome.getFailedStep()));
    case wire::JobOutcome::DEADLINE:
      return killed(Outcome::Kind::kDeadline, outcome.getDeadline());
    case wire::JobOutcome::CANCELLED:
      return killed(Outcome::Kind::kCancelled, outcome.getCancelled());
    case wire::JobOutcome::OUTPUT_LIMIT:
      return killed(Outcome::Kind::kOutputLimit, outcome.getOutputLimit());
    case wire::JobOutcome::SESSION_ENDED:
      return killed(Outcome::Kind::kSessionEnded, outcome.getSessionEnded());
    case wire::JobOutcome::LOST:
      return Outcome::lost(reasonOf(outcome.getLost().getReason()),
                           stringOf(outcome.getLost().getText()));
    case wire::JobOutcome::UNSPECIFIED:
      break;
  }
  return Outcome::lost(muster::LostReason::kUnspecified, "the agent did not say how it ended");
}

}  // namespace harness
