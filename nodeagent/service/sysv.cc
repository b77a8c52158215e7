#include "nodeagent/service/sysv.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "nodeagent/os/command.h"
#include "nodeagent/service/init_script.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::service {
namespace {

using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;
using Enabled = wire::ServiceStatus::Enabled;

// The exit statuses of LSB for actions other than status.
enum ActionExit {
  kUnimplemented = 3,
  kInsufficientPrivilege = 4,
  kNotInstalled = 5,
  kNotConfigured = 6,
  kNotRunning = 7
};

kj::StringPtr meaningOf(int exitStatus) {
  switch (exitStatus) {
    case 2:
      return " (invalid arguments)";
    case kUnimplemented:
      return " (the script has no such action)";
    case kInsufficientPrivilege:
      return " (insufficient privilege)";
    case kNotInstalled:
      return " (the program is not installed)";
    case kNotConfigured:
      return " (not configured)";
    case kNotRunning:
      return " (not running)";
    default:
      return "";
  }
}

// Returns whether a line of the output begins with "usage:". A script prints such a text for an
// action that it lacks, and exits with any status, 0 among them.
bool saysUsage(kj::ArrayPtr<const kj::byte> output) {
  constexpr const char kUsage[] = "usage:";
  std::string_view rest(output.asChars().begin(), output.size());
  while (!rest.empty()) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    // LSB's own functions print " * " before a message.
    line.remove_prefix(std::min(line.find_first_not_of(" \t*"), line.size()));
    if (strncasecmp(line.data(), kUsage, std::min(line.size(), strlen(kUsage))) == 0 &&
        line.size() >= strlen(kUsage)) {
      return true;
    }
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  }
  return false;
}

// Returns whether `directory` has a link SnnNAME or KnnNAME; `kind` is 'S' or 'K'.
bool hasLink(kj::StringPtr directory, char kind, kj::StringPtr name) {
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  std::unique_ptr<DIR, Close> stream(::opendir(directory.cStr()));
  if (stream == nullptr) return false;
  while (struct dirent* entry = ::readdir(stream.get())) {
    kj::StringPtr link(entry->d_name);
    if (link.size() == name.size() + 3 && link[0] == kind && link.slice(3) == name) return true;
  }
  return false;
}

}  // namespace

State stateOfExitStatus(int status) {
  switch (status) {
    case 0:
      return State::RUNNING;
    case 1:
    case 2:
      return State::FAILED;
    case 3:
      return State::STOPPED;
    default:
      return State::UNSPECIFIED;
  }
}

Sysv::Sysv(const SysvPaths& paths) : paths_(paths) {}

Enabled Sysv::enabledOf(kj::StringPtr name) {
  bool any = false;
  for (int level = 2; level <= 5; ++level) {
    auto directory = kj::str(paths_.runlevels, "/rc", level, ".d");
    if (hasLink(directory, 'S', name)) return Enabled::ENABLED;
    any = any || ::access(directory.cStr(), F_OK) == 0;
  }
  return any ? Enabled::DISABLED : Enabled::UNSPECIFIED;
}

Status Sysv::status(kj::StringPtr name, Log) {
  auto script = scriptOf(paths_.scripts, name);
  Status status;
  status.manager = wire::ServiceStatus::Manager::SYSV;
  status.description = valueInScript(script, "# Short-Description:");
  status.enabled = enabledOf(name);
  CommandResult result = runCommand(kj::arr(kj::mv(script), kj::str("status")), kStatusLimitNs);
  switch (result.end) {
    case CommandResult::End::kExited:
      if (result.value == 0 || !saysUsage(result.output))
        status.state = stateOfExitStatus(result.value);
      break;
    case CommandResult::End::kSignalled:
      break;
    case CommandResult::End::kDeadline:
    case CommandResult::End::kNotStarted:
      support::fail(result.end == CommandResult::End::kDeadline ? Kind::TIMEOUT : Kind::SYSTEM,
                    "status of ", name, ": its script: ", describeEnd(result));
  }
  if (status.state == State::RUNNING) status.mainPid = pidOfScript(paths_.pidFiles, name);
  return status;
}

ActResult Sysv::enableOrDisable(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) {
  scriptOf(paths_.scripts, name);
  bool enable = action == wire::ServiceAction::ENABLE;
  ActResult result;
  if (enable && enabledOf(name) == Enabled::ENABLED) return result;
  // The links are made first, because "enable" only renames links that exist.
  CommandResult tool =
      runCommand(kj::arr(kj::str(paths_.updateTool), kj::str(name), kj::str("defaults")), limitNs);
  if (tool.succeeded()) {
    tool = runCommand(
        kj::arr(kj::str(paths_.updateTool), kj::str(name), kj::str(actionText(action))), limitNs);
  } else if (tool.end == CommandResult::End::kNotStarted && tool.value == ENOENT) {
    tool = runCommand(kj::arr(kj::str("chkconfig"), kj::str(name), kj::str(enable ? "on" : "off")),
                      limitNs);
    if (tool.end == CommandResult::End::kNotStarted && tool.value == ENOENT) {
      result.kind = Kind::UNSUPPORTED;
      result.text = kj::str(actionText(action), " ", name, ": this node has neither ",
                            paths_.updateTool, " nor chkconfig");
      return result;
    }
  }
  if (!tool.succeeded()) {
    result.kind = tool.end == CommandResult::End::kDeadline ? Kind::TIMEOUT : Kind::SYSTEM;
    result.text = kj::str(actionText(action), " ", name, ": ", describeEnd(tool));
  }
  result.output = kj::mv(tool.output);
  return result;
}

ActResult Sysv::act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) {
  kj::StringPtr verb = actionText(action);
  if (action == wire::ServiceAction::ENABLE || action == wire::ServiceAction::DISABLE) {
    return enableOrDisable(name, action, limitNs);
  }
  if (action == wire::ServiceAction::MASK || action == wire::ServiceAction::UNMASK ||
      action == wire::ServiceAction::RESET_FAILED) {
    return unsupportedAction(name, action, "SysV init scripts have no such action");
  }
  CommandResult tool = runCommand(kj::arr(scriptOf(paths_.scripts, name), kj::str(verb)), limitNs);
  ActResult result;
  // LSB counts stopping a stopped service as a success, but some scripts answer "not running".
  bool stopped = action == wire::ServiceAction::STOP && tool.end == CommandResult::End::kExited &&
                 tool.value == kNotRunning;
  if (tool.end == CommandResult::End::kDeadline) {
    result.kind = Kind::TIMEOUT;
    result.text = kj::str(verb, " ", name, ": the script was killed after ", limitNs / 1'000'000,
                          " ms; processes that it started may go on");
  } else if (tool.end == CommandResult::End::kExited && saysUsage(tool.output)) {
    result.kind = Kind::UNSUPPORTED;
    result.text =
        kj::str(verb, " ", name, ": its script has no such action: it printed how it is used");
  } else if (!tool.succeeded() && !stopped) {
    int exitStatus = tool.end == CommandResult::End::kExited ? tool.value : 0;
    result.kind = exitStatus == kUnimplemented           ? Kind::UNSUPPORTED
                  : exitStatus == kInsufficientPrivilege ? Kind::DENIED
                                                         : Kind::SYSTEM;
    result.text =
        kj::str(verb, " ", name, ": its script", meaningOf(exitStatus), ": ", describeEnd(tool));
  }
  result.output = kj::mv(tool.output);
  return result;
}

ActResult Sysv::kill(kj::StringPtr name, int signal, int64_t) {
  scriptOf(paths_.scripts, name);
  return killScript(paths_.pidFiles, name, signal);
}

Journal Sysv::journalSince(kj::StringPtr, int64_t) {
  return {nullptr, kj::str("SysV init scripts keep no journal")};
}

}  // namespace nodeagent::service
