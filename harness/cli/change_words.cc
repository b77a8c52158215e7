#include "harness/cli/change_words.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "harness/cli/command_error.h"
#include "harness/cli/node_fault_words.h"

namespace harness {
namespace {

using Words = std::vector<std::string>;

constexpr size_t kIdDigits = 32;
constexpr size_t kDigitsMin = 4;
constexpr size_t kShortDigits = 8;
constexpr size_t kManyWords = 64;

// A kind with the form of its arguments. `make` is given as many as the form has.
struct Form {
  const char* kind;
  const char* arguments;
  size_t least;
  size_t most;
  muster::ChangeSpec (*make)(const Words& words);
};

uint64_t bytesOf(const std::string& size) {
  std::string problem = sizeProblem(size);
  if (!problem.empty()) throw CommandError(kExitUsage, "\"" + size + "\" " + problem);
  return sizeOf(size);
}

muster::ChangeSpec sysctl(const Words& words) {
  size_t equals = words[0].find('=');
  if (equals == std::string::npos || equals == 0) {
    throw CommandError(kExitUsage, "\"" + words[0] + "\" is not NAME=VALUE");
  }
  return muster::Sysctl{words[0].substr(0, equals), words[0].substr(equals + 1)};
}

muster::ChangeSpec address(const Words& words) {
  return muster::ExtraAddress{words[0], words[1]};
}

muster::ChangeSpec hosts(const Words& words) {
  return muster::HostsEntry{words[0], Words(words.begin() + 1, words.end())};
}

muster::ChangeSpec tmpfs(const Words& words) {
  return muster::TmpfsMount{.directory = words[0], .bytes = bytesOf(words[1])};
}

muster::ChangeSpec loop(const Words& words) {
  muster::LoopMount mount{.directory = words[0], .bytes = bytesOf(words[1])};
  if (words.size() > 2) mount.fileSystem = words[2];
  return mount;
}

muster::ChangeSpec mount(const Words& words) {
  muster::NodeMount made{.directory = words[0], .source = words[1], .type = words[2]};
  if (words.size() > 3) made.options = words[3];
  return made;
}

muster::ChangeSpec port(const Words& words) {
  size_t slash = words[0].find('/');
  std::string number = words[0].substr(0, slash);
  std::string protocol = slash == std::string::npos ? "tcp" : words[0].substr(slash + 1);
  bool isNumber = !number.empty() && number.size() <= 5 &&
                  number.find_first_not_of("0123456789") == std::string::npos;
  unsigned long value = isNumber ? std::stoul(number) : 0;
  if (value == 0 || value > UINT16_MAX || (protocol != "tcp" && protocol != "udp")) {
    throw CommandError(kExitUsage, "\"" + words[0] + "\" is no port such as 7400 or 7400/udp");
  }
  return muster::OpenPort{static_cast<uint16_t>(value), protocol == "udp"
                                                            ? muster::OpenPort::Protocol::kUdp
                                                            : muster::OpenPort::Protocol::kTcp};
}

muster::ChangeSpec veth(const Words& words) {
  return muster::VethPair{words[0], words[1]};
}

muster::ChangeSpec vlan(const Words& words) {
  bool isNumber = !words[1].empty() && words[1].size() <= 4 &&
                  words[1].find_first_not_of("0123456789") == std::string::npos;
  if (!isNumber) throw CommandError(kExitUsage, "\"" + words[1] + "\" is no number of a VLAN");
  muster::Vlan made;
  made.interface = words[0];
  made.id = static_cast<uint16_t>(std::stoul(words[1]));
  if (words.size() > 2) made.name = words[2];
  return made;
}

muster::ChangeSpec bridge(const Words& words) {
  return muster::Bridge{words[0], Words(words.begin() + 1, words.end())};
}

muster::ChangeSpec user(const Words& words) {
  muster::NodeUser made;
  made.name = words[0];
  if (words.size() > 1) made.group = words[1];
  return made;
}

muster::ChangeSpec group(const Words& words) {
  muster::NodeGroup made;
  made.name = words[0];
  return made;
}

muster::ChangeSpec packages(const Words& words) {
  return muster::Packages{words};
}

// For services alone: the commands that `muster` runs are of other sessions.
muster::ChangeSpec environment(const Words& words) {
  muster::ServiceEnvironment made;
  made.service = words[0];
  for (size_t i = 1; i < words.size(); ++i) {
    size_t equals = words[i].find('=');
    if (equals == std::string::npos || equals == 0) {
      throw CommandError(kExitUsage, "\"" + words[i] + "\" is not NAME=VALUE");
    }
    made.variables[words[i].substr(0, equals)] = words[i].substr(equals + 1);
  }
  return made;
}

// In order of the alphabet.
constexpr Form kForms[] = {
    {"address", "ADDRESS/PREFIX INTERFACE", 2, 2, address},
    {"bridge", "NAME [INTERFACE...]", 1, kManyWords, bridge},
    {"environment", "SERVICE NAME=VALUE...", 2, kManyWords, environment},
    {"group", "NAME", 1, 1, group},
    {"hosts", "ADDRESS NAME...", 2, kManyWords, hosts},
    {"loop", "DIRECTORY SIZE [FILESYSTEM]", 2, 3, loop},
    {"mount", "DIRECTORY SOURCE TYPE [OPTIONS]", 3, 4, mount},
    {"packages", "NAME|PATH...", 1, kManyWords, packages},
    {"port", "PORT[/udp]", 1, 1, port},
    {"sysctl", "NAME=VALUE", 1, 1, sysctl},
    {"tmpfs", "DIRECTORY SIZE", 2, 2, tmpfs},
    {"user", "NAME [GROUP]", 1, 2, user},
    {"veth", "NAME NAME", 2, 2, veth},
    {"vlan", "INTERFACE ID [NAME]", 2, 3, vlan},
};

}  // namespace

std::vector<std::string> changeKinds() {
  std::vector<std::string> kinds;
  for (const Form& form : kForms) kinds.emplace_back(form.kind);
  return kinds;
}

muster::ChangeSpec changeOf(const std::vector<std::string>& words) {
  for (const Form& form : kForms) {
    if (words.empty() || words[0] != form.kind) continue;
    size_t count = words.size() - 1;
    if (count >= form.least && count <= form.most) {
      return form.make(Words(words.begin() + 1, words.end()));
    }
    throw CommandError(kExitUsage, std::string(form.kind) + " takes " + form.arguments);
  }
  std::string kinds;
  for (const Form& form : kForms) kinds += std::string(kinds.empty() ? "" : ", ") + form.kind;
  throw CommandError(kExitUsage, "there is no change \"" + (words.empty() ? "" : words[0]) +
                                     "\"; the kinds are " + kinds);
}

Answers<std::vector<ChangeInfo>> askChanges(const Reachable& reachable,
                                            std::chrono::nanoseconds timeout) {
  Answers<std::vector<ChangeInfo>> answers;
  answers.errors = reachable.errors;
  answers.take(reachable.nodes,
               rpc::listChanges(reachable.connected, std::chrono::steady_clock::now() + timeout));
  return answers;
}

std::vector<ChangeRow> rowsOf(const Answers<std::vector<ChangeInfo>>& answers) {
  std::vector<ChangeRow> rows;
  for (const auto& [node, infos] : answers.given) {
    for (const ChangeInfo& info : infos) rows.emplace_back(node.name, info);
  }
  return rows;
}

std::string changeTable(const std::vector<ChangeRow>& rows) {
  std::vector<std::vector<std::string>> cells = {
      {"CHANGE", "NODE", "KIND", "STATE", "SINCE", "OWNER", "EFFECT"}};
  auto now = std::chrono::system_clock::now();
  for (const auto& [node, info] : rows) {
    auto age = std::max<std::chrono::nanoseconds>(now - info.since, std::chrono::nanoseconds(0));
    std::string effect = info.reason.empty() ? info.text : info.text + ": " + info.reason;
    cells.push_back({info.id.substr(0, kShortDigits), node, info.kind, toString(info.state),
                     ageText(age), info.owner, effect});
  }
  return table(cells);
}

Json changeJson(const ChangeRow& row) {
  const ChangeInfo& info = row.second;
  Json details = Json::object();
  for (const auto& [name, value] : info.details) details[name] = value;
  return {{"id", info.id},
          {"node", row.first},
          {"kind", info.kind},
          {"state", toString(info.state)},
          {"effect", info.text},
          {"since", std::chrono::duration<double>(info.since.time_since_epoch()).count()},
          {"owner", info.owner},
          {"details", std::move(details)},
          {"reason", info.reason}};
}

std::vector<ChangeRow> chooseChanges(const std::vector<std::string>& words,
                                     const std::vector<ChangeRow>& known,
                                     std::vector<std::string>& unknown) {
  std::vector<ChangeRow> chosen;
  for (const std::string& word : words) {
    bool isId = word.size() >= kDigitsMin && word.size() <= kIdDigits &&
                word.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!isId) {
      throw CommandError(kExitUsage, "\"" + word +
                                         "\" is not a change such as 3fa91c20, as "
                                         "`muster change list` shows it");
    }
    const ChangeRow* found = nullptr;
    for (const ChangeRow& row : known) {
      if (!row.second.id.starts_with(word)) continue;
      if (found != nullptr) {
        throw CommandError(kExitData, "\"" + word + "\" fits several changes; give more of the id");
      }
      found = &row;
    }
    if (found == nullptr) {
      unknown.push_back(word);
    } else {
      chosen.push_back(*found);
    }
  }
  return chosen;
}

}  // namespace harness
