#include "harness/cli/deploy_words.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "harness/cli/command_error.h"
#include "harness/cluster/node_expression.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

struct DeployHost {
  std::string user;
  std::string host;
};

[[noreturn]] void failHost(const std::string& word, const std::string& reason) {
  throw CommandError(support::kExitUsage, "host \"" + support::escaped(word) + "\": " + reason);
}

// Returns a value as YAML reads it, whatever its characters.
std::string yamlText(const std::string& text) {
  return "\"" + support::jsonEscaped(text) + "\"";
}

std::vector<DeployHost> hostsIn(const std::vector<std::string>& words) {
  std::vector<DeployHost> hosts;
  for (const std::string& word : words) {
    size_t at = word.find('@');
    std::string user = at == std::string::npos ? "" : word.substr(0, at);
    std::string host = at == std::string::npos ? word : word.substr(at + 1);
    try {
      std::vector<std::string> names = {host};
      if (!support::isNumericHost(host)) names = expandNodeExpression(host);
      for (const std::string& name : names) hosts.push_back({user, name});
    } catch (const NodeExpressionError& error) {
      failHost(word, error.what());
    }
  }
  return hosts;
}

// Returns the names of the nodes: the first part of a host's name, the whole name where several
// have that part, and a number for an address.
std::vector<std::string> namesOf(const std::vector<DeployHost>& hosts) {
  std::map<std::string, int> counts;
  auto firstPart = [](const std::string& host) { return host.substr(0, host.find('.')); };
  for (const DeployHost& each : hosts) ++counts[firstPart(each.host)];
  std::vector<std::string> names;
  for (size_t i = 0; i < hosts.size(); ++i) {
    const std::string& host = hosts[i].host;
    if (support::isNumericHost(host)) {
      names.push_back("node" + std::to_string(i + 1));
    } else {
      names.push_back(counts[firstPart(host)] == 1 ? firstPart(host) : host);
    }
  }
  return names;
}

std::string keyLine(const std::string& key, const std::string& value) {
  return value.empty() ? "" : key + ": " + yamlText(value) + "\n";
}

// The file may be moved.
std::string pathLine(const std::string& key, const std::string& path) {
  if (path.empty() || path.starts_with("~")) return keyLine(key, path);
  return keyLine(key, std::filesystem::absolute(path).lexically_normal());
}

}  // namespace

std::string deployFile(const DeployWords& words) {
  std::vector<DeployHost> hosts = hostsIn(words.hosts);
  std::vector<std::string> names = namesOf(hosts);
  std::set<std::string> taken;
  std::string text =
      "# Written by muster deploy. The agents stay on the hosts until `muster down` of this "
      "file.\n";
  text += keyLine("name", words.cluster) + "provisioner: ssh\npersistent: true\n";
  text += keyLine("user", words.user) + keyLine("jump", words.jump);
  text += pathLine("identity", words.identity) + pathLine("config", words.config);
  text += keyLine("agent_port", words.agentPort);
  text += "nodes:\n";
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (!taken.insert(names[i]).second) failHost(hosts[i].host, "is named twice");
    text += "  " + yamlText(names[i]) + ": {role: " + yamlText(words.role) +
            ", host: " + yamlText(hosts[i].host);
    if (!hosts[i].user.empty()) text += ", user: " + yamlText(hosts[i].user);
    text += "}\n";
  }
  return text;
}

}  // namespace harness
