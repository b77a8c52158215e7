#include "harness/provision/ssh/ssh_keys.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "harness/cluster/node_expression.h"
#include "harness/provision/agent_files.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

const std::vector<std::string> kSwitch = {"true", "false"};
const std::vector<std::string> kControls = {"auto", "direct", "ssh"};
const std::vector<std::string> kStarts = {"auto", "systemd", "systemd-run", "init", "plain"};

constexpr size_t kHostBytesMax = 255;
constexpr size_t kDirectoryBytesMax = 64;

bool isAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || support::isDigit(c);
}

// Refuses what ssh would take for an option, and what a shell of ssh's configuration would read.
void checkWord(const Setting& value, const std::string& others, const std::string& example) {
  const std::string& text = value.text();
  bool isPlain = text.size() <= kHostBytesMax && text.front() != '-' &&
                 std::all_of(text.begin(), text.end(), [&](char c) {
                   return isAlphanumeric(c) || others.find(c) != std::string::npos;
                 });
  if (isPlain) return;
  value.fail(value.name() + ": \"" + support::escaped(text) + "\" is not such as " + example);
}

void checkHost(const Setting& host) {
  checkWord(host, "-_.:%@", "10.0.0.5, node7.lab or fd00::5, or a host of ssh's configuration");
}

void checkUser(const Setting& user) {
  checkWord(user, "-_.@\\$", "root or tester");
}

void checkJump(const Setting& jump) {
  checkWord(jump, "-_.:%@[],/", "gate.lab or tester@gate.lab:2222");
}

uint16_t portOf(const Setting& port) {
  const std::string& text = port.text();
  bool isNumber = text.size() <= 5 && std::all_of(text.begin(), text.end(), support::isDigit);
  int number = isNumber ? std::stoi(text) : 0;
  if (number < 1 || number > 65535) {
    port.fail(port.name() + ": \"" + support::escaped(text) + "\" is not a port from 1 to 65535");
  }
  return static_cast<uint16_t>(number);
}

void checkPort(const Setting& port) {
  portOf(port);
}

void checkPath(const Setting& path) {
  path.expectUtf8();
  path.text();
}

void checkSwitch(const Setting& value) {
  value.word(kSwitch);
}

void checkControl(const Setting& control) {
  control.word(kControls);
}

void checkStart(const Setting& start) {
  start.word(kStarts);
}

// The path is a word of a command line on the host, and begins those of unix sockets.
void checkDirectory(const Setting& directory) {
  checkWord(directory, "-_./+", "/opt/muster");
  const std::string& text = directory.text();
  if (text.front() != '/' || text.back() == '/' || text.size() > kDirectoryBytesMax ||
      std::filesystem::path(text).lexically_normal() != text) {
    directory.fail("directory: \"" + text + "\" is not an absolute path of at most " +
                   std::to_string(kDirectoryBytesMax) + " characters such as /opt/muster");
  }
}

// Spreads "node[1-3].lab" over three nodes.
std::vector<Setting> spreadHost(const Setting& host, const std::string&, size_t count) {
  if (count == 1) return {host};
  std::vector<Setting> all;
  try {
    for (const std::string& each : expandNodeExpression(host.text())) {
      all.push_back(host.withText(each));
    }
  } catch (const NodeExpressionError& error) {
    host.failAt(error.position(), std::string("host: ") + error.what());
  }
  if (all.size() != count) {
    host.fail("host: " + std::to_string(all.size()) + " for " + std::to_string(count) +
              " nodes; write a set such as 10.0.0.[2-4] or node[1-3].lab");
  }
  return all;
}

// Reads the settings of one node, of which those of the cluster hold where it has none of its own.
class NodeReader {
 public:
  NodeReader(const ClusterPlan& plan, const NodePlan& node) : plan_(plan), node_(node) {}

  const Setting* find(const std::string& key) const {
    for (const Settings* settings : {&node_.settings, &plan_.settings}) {
      auto found = settings->find(key);
      if (found != settings->end()) return &found->second;
    }
    return nullptr;
  }
  std::string text(const std::string& key) const {
    const Setting* setting = find(key);
    return setting == nullptr ? "" : setting->text();
  }
  uint16_t port(const std::string& key, uint16_t otherwise) const {
    const Setting* setting = find(key);
    return setting == nullptr ? otherwise : portOf(*setting);
  }
  bool isOn(const std::string& key) const {
    const Setting* setting = find(key);
    return setting != nullptr && setting->word(kSwitch) == 0;
  }
  size_t word(const std::string& key, const std::vector<std::string>& words) const {
    const Setting* setting = find(key);
    return setting == nullptr ? 0 : setting->word(words);
  }
  // Returns an absolute path: others begin in the directory of the cluster file.
  std::string path(const std::string& key) const {
    std::string text = this->text(key);
    if (text.empty()) return text;
    const char* home = std::getenv("HOME");
    if (text.starts_with("~/") && home != nullptr) return home + text.substr(1);
    std::filesystem::path directory = std::filesystem::absolute(plan_.origin).parent_path();
    return (directory / text).lexically_normal().string();
  }

 private:
  const ClusterPlan& plan_;
  const NodePlan& node_;
};

SshNode readNode(const ClusterPlan& plan, const NodePlan& node) {
  NodeReader reader(plan, node);
  SshNode result;
  result.name = node.name;
  result.host = {.host = reader.text("host"),
                 .user = reader.text("user"),
                 .port = reader.port("port", 0),
                 .identity = reader.path("identity"),
                 .config = reader.path("config"),
                 .jump = reader.text("jump"),
                 .usesSudo = reader.isOn("sudo")};
  result.agentPort = reader.port("agent_port", kAgentPort);
  result.control = static_cast<ControlWay>(reader.word("control", kControls));
  result.start = kStarts[reader.word("start", kStarts)];
  result.isPersistent = reader.isOn("persistent");
  result.directory = reader.text("directory");
  result.agent = reader.path("agent");
  return result;
}

void checkPlan(const ClusterPlan& plan) {
  sshNodes(plan);
}

// The keys that a node set may have, and that the file may have for all of them.
std::vector<Key> commonKeys() {
  return {{.name = "user", .check = checkUser},          {.name = "port", .check = checkPort},
          {.name = "identity", .check = checkPath},      {.name = "config", .check = checkPath},
          {.name = "jump", .check = checkJump},          {.name = "sudo", .check = checkSwitch},
          {.name = "agent", .check = checkPath},         {.name = "agent_port", .check = checkPort},
          {.name = "control", .check = checkControl},    {.name = "start", .check = checkStart},
          {.name = "directory", .check = checkDirectory}};
}

}  // namespace

KindKeys sshKeys() {
  KindKeys keys{
      .name = "ssh", .clusterKeys = commonKeys(), .nodeKeys = commonKeys(), .check = checkPlan};
  keys.clusterKeys.push_back({.name = "persistent", .check = checkSwitch});
  keys.nodeKeys.push_back({.name = "host",
                           .presence = Key::Presence::kRequired,
                           .example = "node7.lab",
                           .check = checkHost,
                           .spread = spreadHost});
  return keys;
}

std::vector<SshNode> sshNodes(const ClusterPlan& plan) {
  std::vector<SshNode> nodes;
  std::map<std::pair<std::string, uint16_t>, std::string> taken;
  for (const NodePlan& node : plan.nodes) {
    nodes.push_back(readNode(plan, node));
    const SshNode& made = nodes.back();
    std::string place =
        made.host.host + " " + std::to_string(made.host.port) + " " + made.host.jump;
    auto [other, isNew] = taken.emplace(std::make_pair(place, made.agentPort), node.name);
    if (isNew) continue;
    node.settings.at("host").fail("node " + node.name + ": host " + made.host.host +
                                  " is also that of node " + other->second +
                                  "; give one of them another \"agent_port\"");
  }
  return nodes;
}

}  // namespace harness
