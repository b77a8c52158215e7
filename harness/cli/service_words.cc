#include "harness/cli/service_words.h"

#include <charconv>
#include <csignal>
#include <cstring>

#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using muster::ServiceStatus;

std::string managerText(ServiceStatus::Manager manager) {
  switch (manager) {
    case ServiceStatus::Manager::kSystemd:
      return "systemd";
    case ServiceStatus::Manager::kOpenrc:
      return "openrc";
    case ServiceStatus::Manager::kSysv:
      return "sysv";
    case ServiceStatus::Manager::kUnspecified:
      break;
  }
  return "";
}

std::string enabledText(ServiceStatus::Enabled enabled) {
  switch (enabled) {
    case ServiceStatus::Enabled::kEnabled:
      return "enabled";
    case ServiceStatus::Enabled::kDisabled:
      return "disabled";
    case ServiceStatus::Enabled::kMasked:
      return "masked";
    case ServiceStatus::Enabled::kStatic:
      return "on demand";
    case ServiceStatus::Enabled::kUnspecified:
      break;
  }
  return "";
}

// 0: there is none.
int find(const std::string& word) {
  int number = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error == std::errc() && end == word.data() + word.size()) {
    return number > 0 && number <= SIGRTMAX ? number : 0;
  }
  std::string name = word.starts_with("SIG") ? word.substr(3) : word;
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    if (abbreviation != nullptr && name == abbreviation) return signal;
  }
  return 0;
}

}  // namespace

int signalOf(const std::string& word) {
  return find(word);
}

std::string signalProblem(const std::string& word) {
  return find(word) == 0 ? "is no signal, such as TERM, SIGTERM or 15" : "";
}

std::string serviceTable(const Answers<ServiceStatus>& answers, const rpc::ServiceName& name) {
  std::vector<std::vector<std::string>> lines = {
      {"NODE", "SERVICE", "STATE", "DETAIL", "PID", "AT BOOT", "MANAGER", "DESCRIPTION"}};
  std::string logs;
  for (const auto& [node, status] : answers.given) {
    lines.push_back({node.name, name.name, toString(status.state), status.substate,
                     status.mainPid == 0 ? "" : std::to_string(status.mainPid),
                     enabledText(status.enabled), managerText(status.manager), status.description});
    if (status.state != ServiceStatus::State::kFailed) continue;
    for (const std::string& line : status.log) {
      logs += node.name + ": log: " + support::printable(line) + "\n";
    }
  }
  return table(lines) + logs;
}

Json serviceJson(const NodeDescription& node, const rpc::ServiceName& name,
                 const ServiceStatus& status) {
  Json json = {{"node", node.name}, {"service", name.name}};
  if (!name.user.empty()) json["user"] = name.user;
  json["state"] = toString(status.state);
  json["detail"] = status.substate;
  json["main_pid"] = status.mainPid;
  json["at_boot"] = enabledText(status.enabled);
  json["manager"] = managerText(status.manager);
  json["description"] = status.description;
  json["log"] = status.log;
  return json;
}

}  // namespace harness
