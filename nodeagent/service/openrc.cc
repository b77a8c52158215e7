#include "nodeagent/service/openrc.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "nodeagent/os/command.h"
#include "nodeagent/service/init_script.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::service {
namespace {

using Action = wire::ServiceAction;
using Enabled = wire::ServiceStatus::Enabled;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

// The answers of OpenRC's own `status`, beside 0 for a service that runs.
enum StatusExit { kStopped = 3, kStopping = 4, kStarting = 8, kInactive = 16, kCrashed = 32 };

kj::StringPtr wordOf(int exitStatus) {
  switch (exitStatus) {
    case 0:
      return "started";
    case kStopped:
      return "stopped";
    case kStopping:
      return "stopping";
    case kStarting:
      return "starting";
    case kInactive:
      return "inactive";
    case kCrashed:
      return "crashed";
    default:
      return "";
  }
}

// Returns whether OpenRC said that the script has no such action.
bool lacksAction(kj::ArrayPtr<const kj::byte> output) {
  std::string_view text(output.asChars().begin(), output.size());
  return text.find("unknown function") != text.npos;
}

}  // namespace

State stateOfOpenrc(int exitStatus) {
  switch (exitStatus) {
    case 0:
      return State::RUNNING;
    case kStopped:
      return State::STOPPED;
    case kStopping:
      return State::STOPPING;
    // An inactive service waits for something outside, such as a cable, and goes on by itself.
    case kStarting:
    case kInactive:
      return State::STARTING;
    case kCrashed:
      return State::FAILED;
    default:
      return State::UNSPECIFIED;
  }
}

Openrc::Openrc(const OpenrcPaths& paths) : paths_(paths) {}

kj::Maybe<kj::Vector<kj::String>> Openrc::levelsOf(kj::StringPtr name) {
  std::unique_ptr<DIR, int (*)(DIR*)> levels(::opendir(paths_.runlevels.cStr()), ::closedir);
  if (levels == nullptr) return nullptr;
  kj::Vector<kj::String> found;
  while (auto* level = ::readdir(levels.get())) {
    if (level->d_name[0] == '.') continue;
    auto link = kj::str(paths_.runlevels, "/", level->d_name, "/", name);
    if (::access(link.cStr(), F_OK) == 0) found.add(kj::str(level->d_name));
  }
  return kj::mv(found);
}

Enabled Openrc::enabledOf(kj::StringPtr name) {
  auto levels = levelsOf(name);
  KJ_IF_MAYBE (found, levels) {
    return found->empty() ? Enabled::DISABLED : Enabled::ENABLED;
  }
  return Enabled::UNSPECIFIED;
}

Status Openrc::status(kj::StringPtr name, Log) {
  auto script = scriptOf(paths_.scripts, name);
  Status status;
  status.manager = wire::ServiceStatus::Manager::OPENRC;
  status.description = valueInScript(script, "description=");
  status.enabled = enabledOf(name);
  CommandResult result = runCommand(
      kj::arr(kj::str(paths_.rcService), kj::str(name), kj::str("status")), kStatusLimitNs);
  if (result.end != CommandResult::End::kExited) {
    support::fail(result.end == CommandResult::End::kDeadline ? Kind::TIMEOUT : Kind::SYSTEM,
                  "status of ", name, ": rc-service: ", describeEnd(result));
  }
  status.state = stateOfOpenrc(result.value);
  status.substate = kj::str(wordOf(result.value));
  if (status.state == State::RUNNING) status.mainPid = pidOfScript(paths_.pidFiles, name);
  return status;
}

kj::Vector<kj::String> Openrc::commandOf(kj::StringPtr name, Action action) {
  kj::Vector<kj::String> argv;
  auto say = [&argv](auto... words) { (argv.add(kj::str(words)), ...); };
  if (action == Action::ENABLE) {
    // Without a runlevel, the tool takes the one in which the node is now.
    if (enabledOf(name) != Enabled::ENABLED) say(paths_.rcUpdate, "add", name, "default");
  } else if (action == Action::DISABLE) {
    // The tool's own --all fails for the runlevels that do not have the service.
    auto levels = levelsOf(name).orDefault(kj::Vector<kj::String>());
    if (!levels.empty()) say(paths_.rcUpdate, "del", name);
    for (auto& level : levels) argv.add(kj::mv(level));
  } else if (action == Action::RESET_FAILED) {
    bool hasFailed = status(name, Log::kWithout).state == State::FAILED;
    if (hasFailed) say(paths_.rcService, name, "zap");
  } else {
    say(paths_.rcService, name, actionText(action));
  }
  return argv;
}

ActResult Openrc::act(kj::StringPtr name, Action action, int64_t limitNs) {
  scriptOf(paths_.scripts, name);
  if (action == Action::MASK || action == Action::UNMASK) {
    return unsupportedAction(name, action, "OpenRC has no such action");
  }
  auto argv = commandOf(name, action);
  if (argv.empty()) return {};
  CommandResult tool = runCommand(argv, limitNs);
  ActResult result;
  kj::StringPtr verb = actionText(action);
  if (tool.end == CommandResult::End::kDeadline) {
    result.kind = Kind::TIMEOUT;
    result.text = kj::str(verb, " ", name, ": ", argv[0], " was killed after ", limitNs / 1'000'000,
                          " ms; processes that it started may go on");
  } else if (!tool.succeeded() && lacksAction(tool.output)) {
    result = unsupportedAction(name, action, "its script has no such action");
  } else if (!tool.succeeded()) {
    result.kind = Kind::SYSTEM;
    result.text = kj::str(verb, " ", name, ": ", argv[0], ": ", describeEnd(tool));
  }
  result.output = kj::mv(tool.output);
  return result;
}

ActResult Openrc::kill(kj::StringPtr name, int signal, int64_t) {
  scriptOf(paths_.scripts, name);
  return killScript(paths_.pidFiles, name, signal);
}

Journal Openrc::journalSince(kj::StringPtr, int64_t) {
  return {nullptr, kj::str("OpenRC keeps no journal")};
}

}  // namespace nodeagent::service
