#include "nodeagent/service/systemd.h"

#include <stdlib.h>
#include <time.h>

#include <map>
#include <string>
#include <string_view>

#include "nodeagent/os/command.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::service {
namespace {

using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;
using Enabled = wire::ServiceStatus::Enabled;

constexpr int64_t kLogLimitNs = 5'000'000'000;
// LSB says that the program is not installed, and systemctl that there is no such unit.
constexpr int kExitNotFound = 5;
constexpr kj::StringPtr kProperties =
    "--property=LoadState,ActiveState,SubState,MainPID,UnitFileState,Description"_kj;

State stateOf(std::string_view active) {
  if (active == "active" || active == "reloading" || active == "refreshing") return State::RUNNING;
  if (active == "inactive" || active == "maintenance") return State::STOPPED;
  if (active == "failed") return State::FAILED;
  if (active == "activating") return State::STARTING;
  if (active == "deactivating") return State::STOPPING;
  return State::UNSPECIFIED;
}

Enabled enabledOf(std::string_view file) {
  if (file.starts_with("enabled")) return Enabled::ENABLED;
  if (file.starts_with("masked")) return Enabled::MASKED;
  if (file == "disabled" || file == "indirect" || file.starts_with("linked"))
    return Enabled::DISABLED;
  if (file == "static" || file == "generated" || file == "transient" || file == "alias") {
    return Enabled::STATIC;
  }
  return Enabled::UNSPECIFIED;
}

}  // namespace

kj::Maybe<Status> parseShow(kj::StringPtr text) {
  std::map<std::string, std::string> properties;
  std::string_view rest(text.begin(), text.size());
  while (!rest.empty()) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    size_t equals = line.find('=');
    if (equals != line.npos)
      properties[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  }
  if (properties["LoadState"] == "not-found" || properties["LoadState"].empty()) return nullptr;
  Status status;
  status.manager = wire::ServiceStatus::Manager::SYSTEMD;
  status.state = stateOf(properties["ActiveState"]);
  status.substate = kj::str(properties["SubState"].c_str());
  status.mainPid = atoi(properties["MainPID"].c_str());
  status.enabled = enabledOf(properties["UnitFileState"]);
  status.description = kj::str(properties["Description"].c_str());
  return kj::mv(status);
}

Systemd::Systemd(kj::StringPtr systemctl, kj::StringPtr journalctl)
    : systemctl_(kj::str(systemctl)), journalctl_(kj::str(journalctl)) {}

Status Systemd::status(kj::StringPtr name) {
  auto show = kj::arr(kj::str(systemctl_), kj::str("show"), kj::str("--no-pager"),
                      kj::str(kProperties), kj::str("--"), kj::str(name));
  CommandResult result = runCommand(show, kStatusLimitNs);
  if (!result.succeeded()) {
    support::fail(result.end == CommandResult::End::kDeadline ? Kind::TIMEOUT : Kind::SYSTEM,
                  "status of ", name, ": systemctl show: ", describeEnd(result));
  }
  auto text = kj::str(kj::strArray(lastLines(result.output, 64), "\n"));
  auto parsed = parseShow(text);
  KJ_IF_MAYBE (status, parsed) {
    status->log = logOf(name, "--output=short-iso");
    return kj::mv(*status);
  }
  support::fail(Kind::NOT_FOUND, "service ", name, ": systemd knows no such unit");
}

// A status without a log is still one: the journal may be off, or belong to somebody else.
kj::Array<kj::String> Systemd::logOf(kj::StringPtr name, kj::StringPtr option) {
  CommandResult log = runCommand(
      kj::arr(kj::str(journalctl_), kj::str("--no-pager"), kj::str("--quiet"),
              kj::str("--lines=", kLogLinesMax), kj::str(option), kj::str("--unit=", name)),
      kLogLimitNs);
  if (!log.succeeded()) return nullptr;
  return lastLines(log.output, kLogLinesMax);
}

ActResult Systemd::act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) {
  kj::StringPtr verb = actionText(action);
  auto argv = kj::arr(kj::str(systemctl_), kj::str("--no-pager"), kj::str("--no-ask-password"),
                      kj::str(verb), kj::str("--"), kj::str(name));
  // The journal's clock is the node's, and so is this one.
  auto since = kj::str("--since=@", ::time(nullptr));
  CommandResult tool = runCommand(argv, limitNs);
  ActResult result;
  if (tool.end == CommandResult::End::kDeadline) {
    result.kind = Kind::TIMEOUT;
    result.text = kj::str(verb, " ", name, ": not done after ", limitNs / 1'000'000,
                          " ms; systemd is still working on it");
  } else if (!tool.succeeded()) {
    result.kind = tool.end == CommandResult::End::kExited && tool.value == kExitNotFound
                      ? Kind::NOT_FOUND
                      : Kind::SYSTEM;
    // systemctl says only that its job failed; the service itself has said why.
    auto log = logOf(name, since);
    result.text = kj::str(verb, " ", name, ": systemctl: ", describeEnd(tool),
                          log.size() == 0 ? "" : "; its log:\n", kj::strArray(log, "\n"));
  }
  result.output = kj::mv(tool.output);
  return result;
}

}  // namespace nodeagent::service
