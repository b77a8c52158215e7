#include "nodeagent/service/systemd.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

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
    "--property=LoadState,ActiveState,SubState,MainPID,UnitFileState,Description,"
    "InactiveExitTimestampMonotonic"_kj;
constexpr int64_t kSecondNs = 1'000'000'000;

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
  status.startedMonotonicNs =
      strtoll(properties["InactiveExitTimestampMonotonic"].c_str(), nullptr, 10) * 1000;
  return kj::mv(status);
}

Systemd::Systemd(kj::StringPtr systemctl, kj::StringPtr journalctl)
    : systemctl_(kj::str(systemctl)), journalctl_(kj::str(journalctl)) {}

Systemd::Systemd(const User& user, kj::StringPtr runtimeRoot, kj::StringPtr systemctl,
                 kj::StringPtr journalctl)
    : Systemd(systemctl, journalctl) {
  auto runtime = kj::str(runtimeRoot, "/", user.id);
  if (::access(kj::str(runtime, "/systemd/private").cStr(), F_OK) < 0) {
    support::fail(Kind::UNSUPPORTED, "services of user ", user.name, ": no systemd of this user ",
                  "runs; `loginctl enable-linger ", user.name, "` starts it");
  }
  CommandUser as;
  as.credentials = {user.id, user.group, kj::heapArray(user.groups.asPtr())};
  as.environment = kj::arr(kj::str("XDG_RUNTIME_DIR=", runtime), kj::str("HOME=", user.home),
                           kj::str("USER=", user.name), kj::str("LOGNAME=", user.name));
  user_ = kj::mv(as);
}

CommandResult Systemd::systemctl(std::initializer_list<kj::StringPtr> words, kj::StringPtr name,
                                 int64_t limitNs) {
  kj::Vector<kj::String> argv;
  argv.add(kj::str(systemctl_));
  if (user_ != nullptr) argv.add(kj::str("--user"));
  argv.add(kj::str("--no-pager"));
  for (kj::StringPtr word : words) argv.add(kj::str(word));
  argv.add(kj::str("--"));
  argv.add(kj::str(name));
  auto user = user_.map([](auto& each) -> const CommandUser& { return each; });
  return runCommandAs(user, argv, limitNs);
}

Status Systemd::status(kj::StringPtr name, Log log) {
  CommandResult result = systemctl({"show", kProperties}, name, kStatusLimitNs);
  if (!result.succeeded()) {
    support::fail(result.end == CommandResult::End::kDeadline ? Kind::TIMEOUT : Kind::SYSTEM,
                  "status of ", name, ": systemctl show: ", describeEnd(result));
  }
  auto text = kj::str(kj::strArray(lastLines(result.output, 64), "\n"));
  auto parsed = parseShow(text);
  KJ_IF_MAYBE (status, parsed) {
    // A status without a log is still one: the journal may be off, or belong to somebody else.
    if (log == Log::kWith) {
      CommandResult journal = this->journal(name, "--output=short-iso", kLogLinesMax);
      if (journal.succeeded()) status->log = lastLines(journal.output, kLogLinesMax);
    }
    return kj::mv(*status);
  }
  support::fail(Kind::NOT_FOUND, "service ", name, ": systemd knows no such unit");
}

CommandResult Systemd::journal(kj::StringPtr name, kj::StringPtr option, size_t linesMax) {
  // What a service wrote last may still be on its way into the journal. Whether that can be waited
  // for does not matter: the lines that are there are read all the same.
  runCommand(kj::arr(kj::str(journalctl_), kj::str("--sync")), kLogLimitNs);
  kj::Vector<kj::String> argv;
  for (kj::StringPtr word : {kj::StringPtr(journalctl_), "--no-pager"_kj, "--quiet"_kj}) {
    argv.add(kj::str(word));
  }
  argv.add(kj::str("--lines=", linesMax));
  argv.add(kj::str(option));
  KJ_IF_MAYBE (user, user_) {
    // --user-unit would look for units of the user who asks, and the user may not read the journal.
    bool isWhole = name.findFirst('.') != nullptr;
    auto unit = isWhole ? kj::str(name) : kj::str(name, ".service");
    auto id = kj::str("_UID=", user->credentials.user);
    argv.add(kj::str("_SYSTEMD_USER_UNIT=", unit));
    argv.add(kj::str(id));
    argv.add(kj::str("+"));
    argv.add(kj::str("USER_UNIT=", unit));
    argv.add(kj::mv(id));
  } else {
    argv.add(kj::str("--unit=", name));
  }
  return runCommand(argv, kLogLimitNs);
}

Journal Systemd::journalSince(kj::StringPtr name, int64_t realtimeNs) {
  auto micros = kj::str(1'000'000 + realtimeNs % kSecondNs / 1000);
  auto since = kj::str("--since=@", realtimeNs / kSecondNs, ".", micros.slice(1));
  CommandResult result = journal(name, since, kJournalLinesMax);
  Journal journal;
  if (!result.succeeded()) {
    journal.note = kj::str("journalctl: ", describeEnd(result));
    return journal;
  }
  journal.lines = lastLines(result.output, kJournalLinesMax);
  if (journal.lines.size() == 0) journal.note = kj::str("its journal has no line since then");
  return journal;
}

ActResult Systemd::resultOf(kj::StringPtr verb, kj::StringPtr name, CommandResult tool,
                            int64_t sinceNs, int64_t limitNs) {
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
    auto log = journal(name, kj::str("--since=@", sinceNs / kSecondNs), kLogLinesMax);
    auto lines = log.succeeded() ? lastLines(log.output, kLogLinesMax) : nullptr;
    result.text = kj::str(verb, " ", name, ": systemctl: ", describeEnd(tool),
                          lines.size() == 0 ? "" : "; its log:\n", kj::strArray(lines, "\n"));
  }
  result.output = kj::mv(tool.output);
  return result;
}

ActResult Systemd::act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) {
  kj::StringPtr verb = actionText(action);
  // The journal's clock is the node's, and so is this one.
  int64_t sinceNs = ::time(nullptr) * kSecondNs;
  CommandResult tool = systemctl({"--no-ask-password", verb}, name, limitNs);
  ActResult result = resultOf(verb, name, kj::mv(tool), sinceNs, limitNs);
  if (action == wire::ServiceAction::RESET_FAILED && result.kind == Kind::SYSTEM &&
      status(name, Log::kWithout).state != State::FAILED) {
    // systemd has unloaded the unit, as it does with those that are stopped and have not failed.
    result.kind = Kind::UNSPECIFIED;
  }
  return result;
}

ActResult Systemd::kill(kj::StringPtr name, int signal, int64_t limitNs) {
  int64_t sinceNs = ::time(nullptr) * kSecondNs;
  auto option = kj::str("--signal=", signal);
  return resultOf("kill", name, systemctl({"--no-ask-password", "kill", option}, name, limitNs),
                  sinceNs, limitNs);
}

}  // namespace nodeagent::service
