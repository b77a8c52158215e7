#include "nodeagent/exec/job_spec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <map>
#include <string>

#include <capnp/any.h>
#include <capnp/message.h>
#include <kj/debug.h>
#include <kj/vector.h>

#include "nodeagent/exec/job_limits.h"
#include "schema/support/base/command_size.h"
#include "schema/support/base/redact.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

extern char** environ;

namespace nodeagent::exec {
namespace {

constexpr size_t kPathBytesMax = 4095;
constexpr size_t kLabelsMax = 32;
constexpr size_t kLabelNameBytesMax = 64;
constexpr size_t kArgumentBytesLookedAt = 8192;
constexpr size_t kBytesLookedAt = 65536;
constexpr size_t kLabelValueBytesMax = 256;
constexpr size_t kNameBytesMax = 256;
constexpr size_t kValueShownBytes = 80;
// Most whole specifications fit in this many words.
constexpr size_t kUsualWords = 128;

template <typename... Params>
[[noreturn]] void refuse(Params&&... params) {
  support::fail(wire::Error::Kind::INVALID, kj::fwd<Params>(params)...);
}

// Returns a value for an error text: cut, escaped so that no log can mistake it, and without words
// that look like a secret.
kj::String quoted(kj::ArrayPtr<const char> value) {
  auto text = support::beginningOf({value.begin(), value.size()}, kValueShownBytes);
  return kj::str('"', support::escaped(support::redacted(text)).c_str(),
                 value.size() > kValueShownBytes ? "...\"" : "\"");
}

bool hasNul(kj::ArrayPtr<const char> bytes) {
  return bytes.size() > 0 && memchr(bytes.begin(), 0, bytes.size()) != nullptr;
}

// Returns a copy of bytes of the node's own, which must not hold NUL.
kj::String text(capnp::Data::Reader data, kj::StringPtr field) {
  auto bytes = data.asChars();
  if (hasNul(bytes)) {
    refuse(field, ": ", quoted(bytes), " contains a NUL byte");
  }
  return kj::heapString(bytes);
}

kj::String name(capnp::Text::Reader value, kj::StringPtr field) {
  if (value.size() > kNameBytesMax)
    refuse(field, ": ", value.size(), " bytes, at most ", kNameBytesMax);
  return text(value.asBytes(), field);
}

// Redacting takes its time for each byte, so that only a part of large commands is looked at. More
// of each argument is looked at than is shown, so that a secret that begins in the part shown is
// recognised as a whole.
std::vector<std::string> shownArguments(kj::ArrayPtr<const kj::String> arguments) {
  std::vector<std::string> words;
  size_t bytes = 0;
  for (auto& argument : arguments.slice(0, kj::min(arguments.size(), kArgumentsShown))) {
    words.emplace_back(argument.cStr(), kj::min(argument.size(), kArgumentBytesLookedAt));
    bytes += words.back().size();
    if (bytes > kBytesLookedAt) break;
  }
  words = support::redactedWords(words);
  for (std::string& word : words)
    word.resize(support::beginningOf(word, kArgumentBytesShown).size());
  return words;
}

kj::Array<kj::String> readArguments(capnp::List<capnp::Data>::Reader list) {
  if (list.size() == 0) refuse("argv: empty, must name at least the program");
  support::CommandSize size;
  size.expectArguments(list.size());
  kj::Vector<kj::String> result;
  for (auto item : list) {
    size.addArgument(item.size());
    result.add(text(item, kj::str("argv[", result.size(), "]")));
  }
  if (result[0].size() == 0) refuse("argv[0]: empty, must be a path or the name of a program");
  return result.releaseAsArray();
}

kj::Array<Variable> readEnvironment(capnp::List<wire::JobSpec::Variable>::Reader list) {
  support::CommandSize size;
  size.expectVariables(list.size());
  kj::Vector<Variable> result;
  for (auto item : list) {
    auto field = kj::str("environment[", result.size(), "].name");
    auto variable = text(item.getName(), field);
    if (variable.size() == 0) refuse(field, ": empty");
    KJ_IF_MAYBE (equals, variable.findFirst('=')) {
      // The part behind "=" is a value, and values are never shown.
      refuse(field, ": ", quoted(variable.slice(0, *equals)),
             " is followed by \"=\"; the value has a field of its own");
    }
    if (hasNul(item.getValue().asChars())) {
      refuse("environment[", result.size(), "].value: of ", quoted(variable),
             " contains a NUL byte");
    }
    size.addVariable(variable.size(), item.getValue().size());
    result.add(Variable{kj::mv(variable), kj::heapString(item.getValue().asChars())});
  }
  return result.releaseAsArray();
}

bool isLabelName(kj::StringPtr value) {
  if (value.size() == 0 || value.size() > kLabelNameBytesMax) return false;
  for (char c : value) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
      return false;
  }
  return true;
}

kj::Array<Label> readLabels(capnp::List<wire::Label>::Reader list) {
  if (list.size() > kLabelsMax) refuse("labels: ", list.size(), " items, at most ", kLabelsMax);
  kj::Vector<Label> result;
  for (auto item : list) {
    if (!isLabelName(item.getName())) {
      refuse("labels[", result.size(), "].name: ", quoted(item.getName()),
             " is not of [a-z0-9._-]{1,64}");
    }
    bool isPlain = item.getValue().size() <= kLabelValueBytesMax;
    for (unsigned char c : item.getValue()) isPlain = isPlain && c >= 0x20 && c != 0x7f;
    if (!isPlain) {
      refuse("labels[", result.size(), "].value: ", quoted(item.getValue()),
             " has control characters or more than ", kLabelValueBytesMax, " bytes");
    }
    result.add(Label{kj::str(item.getName()), kj::str(item.getValue())});
  }
  return result.releaseAsArray();
}

OutputPolicy readPolicy(wire::JobSpec::StreamPolicy::Reader policy, kj::StringPtr field) {
  uint64_t bytes = policy.getRetainedBytesMax();
  if (bytes != 0 && (bytes < kRetainedBytesMin || bytes > kRetainedBytesMost)) {
    refuse(field, ": ", bytes, " bytes kept, must be from ", kRetainedBytesMin, " to ",
           kRetainedBytesMost);
  }
  if (policy.getOverflow() > wire::JobSpec::Overflow::KILL) {
    refuse(field, ".overflow: ", static_cast<int>(policy.getOverflow()),
           " is not known to this agent");
  }
  return {bytes == 0 ? kRetainedBytesDefault : bytes, policy.getOverflow()};
}

struct LimitKind {
  wire::JobSpec::Limit::Resource resource;
  int number;
  const char* name;
};

constexpr LimitKind kLimitKinds[] = {
    {wire::JobSpec::Limit::Resource::OPEN_FILES, RLIMIT_NOFILE, "openFiles"},
    {wire::JobSpec::Limit::Resource::CORE_BYTES, RLIMIT_CORE, "coreBytes"},
    {wire::JobSpec::Limit::Resource::FILE_BYTES, RLIMIT_FSIZE, "fileBytes"},
    {wire::JobSpec::Limit::Resource::ADDRESS_SPACE_BYTES, RLIMIT_AS, "addressSpaceBytes"},
    {wire::JobSpec::Limit::Resource::LOCKED_BYTES, RLIMIT_MEMLOCK, "lockedBytes"},
    {wire::JobSpec::Limit::Resource::STACK_BYTES, RLIMIT_STACK, "stackBytes"},
    {wire::JobSpec::Limit::Resource::PROCESSES_OF_USER, RLIMIT_NPROC, "processesOfUser"},
    {wire::JobSpec::Limit::Resource::CPU_SECONDS, RLIMIT_CPU, "cpuSeconds"},
};

void readLimits(capnp::List<wire::JobSpec::Limit>::Reader list, JobSpec& result) {
  using Resource = wire::JobSpec::Limit::Resource;
  if (list.size() > kLabelsMax) refuse("limits: ", list.size(), " items, at most ", kLabelsMax);
  kj::Vector<ResourceLimit> limits;
  kj::Vector<const char*> names;
  for (auto item : list) {
    if (item.getResource() == Resource::MEMORY_BYTES) {
      result.memoryBytesMax = item.getValue();
    } else if (item.getResource() == Resource::PROCESSES) {
      result.processesMax = item.getValue();
    } else {
      const LimitKind* kind = nullptr;
      for (auto& candidate : kLimitKinds) {
        if (candidate.resource == item.getResource()) kind = &candidate;
      }
      if (kind == nullptr) {
        refuse("limits[", names.size(), "].resource: ", static_cast<int>(item.getResource()),
               " is unspecified or not known to this agent");
      }
      limits.add(ResourceLimit{kind->number, item.getValue()});
      names.add(kind->name);
    }
  }
  result.limits = limits.releaseAsArray();
  result.limitNames = names.releaseAsArray();
}

void readTimes(wire::JobSpec::Reader spec, JobSpec& result) {
  result.deadlineNs = spec.getDeadlineNs();
  result.graceNs = spec.getGraceNs();
  result.drainNs = spec.getDrainNs();
  if (result.deadlineNs <= 0) {
    refuse("deadline: ", result.deadlineNs, " ns, must be positive; ", INT64_MAX, " means none");
  }
  if (result.graceNs < 0 || result.graceNs > kGraceMaxNs) {
    refuse("grace: ", result.graceNs, " ns, must be from 0 to ", kGraceMaxNs, " ns");
  }
  if (result.drainNs < 0 || result.drainNs > kGraceMaxNs) {
    refuse("drain: ", result.drainNs, " ns, must be from 0 to ", kGraceMaxNs, " ns");
  }
}

void readInput(wire::JobSpec::Reader spec, JobSpec& result) {
  result.input = spec.getInput().which();
  if (result.input == wire::JobSpec::Input::INLINE) {
    auto bytes = spec.getInput().getInline();
    if (bytes.size() > support::kInlineInputBytesMax) {
      refuse("input: ", bytes.size(), " bytes, at most ", support::kInlineInputBytesMax,
             "; use a stream");
    }
    result.inlineInput = kj::heapArray<kj::byte>(bytes);
  } else if (result.input > wire::JobSpec::Input::STREAM) {
    refuse("input: of a kind that is not known to this agent");
  }
  result.hasTerminal = spec.hasTerminal();
  result.mergeErrors = spec.getMergeErrors() || result.hasTerminal;
  if (!result.hasTerminal) return;
  if (result.input == wire::JobSpec::Input::INLINE)
    refuse("input: inline, but a terminal's input is a stream");
  result.input = wire::JobSpec::Input::STREAM;
  auto terminal = spec.getTerminal();
  result.terminalColumns = terminal.getColumns();
  result.terminalRows = terminal.getRows();
  result.terminalType = name(terminal.getType(), "terminal.type");
  if (result.terminalColumns == 0 || result.terminalRows == 0)
    refuse("terminal: has no columns or no rows");
}

// Returns the digest of the canonical form, so that equal specifications have one digest however
// their senders laid them out. It does the work of capnp::canonicalize, which goes through its
// result once more to check it.
support::Digest hashOf(wire::JobSpec::Reader spec) {
  capnp::word usual[kUsualWords];
  memset(usual, 0, sizeof(usual));
  kj::ArrayPtr<capnp::word> space = usual;
  kj::Array<capnp::word> large;
  size_t wordsMax = spec.totalSize().wordCount + 1;  // One for the pointer to the root.
  if (wordsMax > kUsualWords) {
    large = kj::heapArray<capnp::word>(wordsMax);
    memset(large.begin(), 0, large.asBytes().size());
    space = large;
  }
  capnp::MallocMessageBuilder message(space);
  message.getRoot<capnp::AnyPointer>().setCanonicalAs<wire::JobSpec>(spec);
  auto segments = message.getSegmentsForOutput();
  KJ_ASSERT(segments.size() == 1);
  return support::Sha256::of(segments[0].asBytes());
}

}  // namespace

JobSpec readJobSpec(wire::JobSpec::Reader spec) {
  JobSpec result;
  result.argv = readArguments(spec.getArgv());
  result.shownArgv = shownArguments(result.argv);
  result.environment = readEnvironment(spec.getEnvironment());
  result.environmentBase = spec.getEnvironmentBase();
  if (result.environmentBase > wire::JobSpec::EnvironmentBase::NONE) {
    refuse("environmentBase: ", static_cast<int>(result.environmentBase),
           " is not known to this agent");
  }
  result.directory =
      spec.getDirectory().size() == 0 ? kj::str("/") : text(spec.getDirectory(), "directory");
  if (result.directory[0] != '/')
    refuse("directory: ", quoted(result.directory), " is not absolute");
  if (result.directory.size() > kPathBytesMax) {
    refuse("directory: ", result.directory.size(), " bytes, at most ", kPathBytesMax);
  }
  result.user = name(spec.getUser(), "user");
  result.group = name(spec.getGroup(), "group");
  if (spec.getUmask() > 0777)
    refuse("umask: ", spec.getUmask(), ", must be from 0 to 511 (octal 777)");
  result.umask = spec.getUmask();
  readInput(spec, result);
  result.output = readPolicy(spec.getOutput(), "output");
  if (!result.mergeErrors) result.errors = readPolicy(spec.getErrors(), "errors");
  readTimes(spec, result);
  result.lifetime = spec.getLifetime();
  if (result.lifetime > wire::JobSpec::JobLifetime::DETACHED) {
    refuse("lifetime: ", static_cast<int>(result.lifetime), " is not known to this agent");
  }
  result.labels = readLabels(spec.getLabels());
  readLimits(spec.getLimits(), result);
  if (spec.getNiceness() < -20 || spec.getNiceness() > 19) {
    refuse("niceness: ", static_cast<int>(spec.getNiceness()), ", must be from -20 to 19");
  }
  if (spec.getNiceness() != 0) result.niceness = static_cast<int>(spec.getNiceness());
  result.hash = hashOf(spec);
  return result;
}

void addVariables(JobSpec& spec, kj::Vector<Variable> ofSession) {
  if (spec.environmentBase == wire::JobSpec::EnvironmentBase::NONE) return;
  for (auto& variable : spec.environment) ofSession.add(kj::mv(variable));
  spec.environment = ofSession.releaseAsArray();
}

void JobSpec::trim() {
  environment = nullptr;
  inlineInput = nullptr;
  argv = kj::arr(kj::str(argv[0]));
}

kj::Array<kj::String> buildEnvironment(const JobSpec& spec, const User& user,
                                       kj::StringPtr marker) {
  kj::Vector<kj::String> entries;
  std::map<std::string, size_t> positions;
  auto set = [&](kj::StringPtr variable, kj::StringPtr value) {
    auto entry = kj::str(variable, "=", value);
    auto place = positions.emplace(variable.cStr(), entries.size());
    if (place.second) {
      entries.add(kj::mv(entry));
    } else {
      entries[place.first->second] = kj::mv(entry);
    }
  };

  if (spec.environmentBase == wire::JobSpec::EnvironmentBase::AGENT) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const char* separator = strchr(*entry, '=');
      if (separator != nullptr && separator != *entry) {
        set(kj::heapString(*entry, static_cast<size_t>(separator - *entry)), separator + 1);
      }
    }
  } else if (spec.environmentBase == wire::JobSpec::EnvironmentBase::LOGIN) {
    set("PATH", user.id == 0 ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                             : "/usr/local/bin:/usr/bin:/bin");
    set("HOME", user.home);
    set("USER", user.name);
    set("LOGNAME", user.name);
    set("SHELL", user.shell);
    set("LANG", "C.UTF-8");
  }
  if (spec.hasTerminal) set("TERM", spec.terminalType);
  for (auto& variable : spec.environment) set(variable.name, variable.value);
  if (marker.size() > 0) entries.add(kj::str(marker));
  return entries.releaseAsArray();
}

wire::JobOutcome::StartStep startStepOf(SpawnStage stage) {
  using Step = wire::JobOutcome::StartStep;
  if (stage == SpawnStage::kDirectory) return Step::DIRECTORY;
  return stage == SpawnStage::kExec ? Step::PROGRAM : Step::OTHER;
}

kj::String spawnFailureText(const JobSpec& spec, const SpawnFailure& failure,
                            kj::ArrayPtr<const kj::String> environment) {
  auto program = quoted(spec.argv[0]);
  auto start = kj::str("start ", program, ": ");
  auto reason = support::errnoText(failure.errorNumber);
  switch (failure.stage) {
    case SpawnStage::kClone:
      return kj::str(start, "make a process: ", reason);
    case SpawnStage::kSession:
      return kj::str(start, "begin a session: ", reason);
    case SpawnStage::kTerminal:
      return kj::str(start, "take the terminal: ", reason);
    case SpawnStage::kFiles:
      return kj::str(start, "arrange descriptors: ", reason);
    case SpawnStage::kCgroup:
      return kj::str(start, "enter the cgroup: ", reason);
    case SpawnStage::kLimit: {
      auto index = static_cast<size_t>(failure.detail);
      return kj::str(start, "limit ", spec.limitNames[index], " to ", spec.limits[index].value,
                     ": ", reason);
    }
    case SpawnStage::kNiceness:
      return kj::str(start, "niceness: ", reason);
    case SpawnStage::kGroups:
      return kj::str(start, "supplementary groups of ", quoted(spec.user), ": ", reason);
    case SpawnStage::kGroup:
      return kj::str(start, "group ", quoted(spec.group), ": ", reason);
    case SpawnStage::kUser:
      return kj::str(start, "user ", quoted(spec.user), ": ", reason);
    case SpawnStage::kDirectory:
      return kj::str(start, "directory ", quoted(spec.directory), ": ", reason);
    case SpawnStage::kExec:
      break;
  }
  if (spec.argv[0].findFirst('/') != nullptr) return kj::str(start, reason);
  kj::StringPtr path = "/bin:/usr/bin";
  for (auto& entry : environment) {
    if (entry.startsWith("PATH=")) path = entry.slice(5);
  }
  return kj::str(start, reason, " (looked up in PATH ", quoted(path), ")");
}

}  // namespace nodeagent::exec
