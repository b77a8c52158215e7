#include "harness/cluster/cluster_file.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/cluster/node_expression.h"
#include "harness/cluster/selection.h"
#include "schema/support/base/config.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
const std::vector<std::string> kLocalOnly = {"init", "boot", "addresses"};
const std::vector<std::string> kStaticOnly = {"address", "tls"};

bool isWord(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

bool isNumericAddress(const std::string& text) {
  std::array<unsigned char, 16> bytes;
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool isLoopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.");
}

class FileParser {
 public:
  explicit FileParser(const std::string& path) : reader_(path) {}

  ClusterPlan parse(const std::string& text) {
    YAML::Node root = reader_.parse(text);
    reader_.checkKeys(root, {"name", "provisioner", "control", "nodes", "boot", "tls"});
    plan_.origin = reader_.path();
    plan_.name = std::filesystem::path(reader_.path()).stem();
    if (YAML::Node name = root["name"]) plan_.name = reader_.text(name, "name");
    if (!isWord(plan_.name) || plan_.name.size() > 32 || plan_.name[0] == '-' ||
        plan_.name[0] == '.') {
      reader_.fail(
          root["name"] ? root["name"] : root,
          "name: \"" + plan_.name + "\" is not at most 32 letters, digits, '-', '_' and '.'");
    }
    if (YAML::Node provisioner = root["provisioner"]) {
      reader_.word(provisioner, "provisioner", knownProvisioners());
      plan_.provisioner = provisioner.Scalar();
    }
    refuseForeign(root, isLocal() ? std::vector<std::string>{"tls"}
                                  : std::vector<std::string>{"control", "boot"});
    if (YAML::Node control = root["control"]) {
      plan_.control =
          reader_.word(control, "control", {"unix", "tcp"}) == 0 ? Control::kUnix : Control::kTcp;
    }
    if (YAML::Node tls = root["tls"]) tls_ = parseTls(tls);
    YAML::Node nodes = root["nodes"];
    if (!nodes) reader_.fail(root, "the key \"nodes\" is missing: a map of node sets");
    parseNodes(nodes);
    if (YAML::Node boot = root["boot"]) parseBoot(boot);
    return std::move(plan_);
  }

 private:
  bool isLocal() const { return plan_.provisioner == "local"; }

  // Keys that mean nothing with this provisioner.
  void refuseForeign(const YAML::Node& map, const std::vector<std::string>& keys) const {
    for (const auto& entry : map) {
      if (std::find(keys.begin(), keys.end(), entry.first.Scalar()) == keys.end()) continue;
      reader_.fail(entry.first, "key \"" + entry.first.Scalar() +
                                    "\" means nothing with provisioner \"" + plan_.provisioner +
                                    "\"");
    }
  }

  void parseNodes(const YAML::Node& nodes) {
    reader_.expectMap(nodes, "nodes");
    reader_.checkNoDuplicates(nodes);
    if (nodes.size() == 0) reader_.fail(nodes, "nodes: there are none");
    for (const auto& entry : nodes) {
      std::vector<std::string> names = expand(entry.first, {});
      NodePlan common = parseNode(entry.second, entry.first.Scalar());
      std::vector<std::optional<Endpoint>> endpoints =
          parseEndpoints(entry.first, entry.second, names.size());
      if (!common.addresses.empty() && names.size() != 1) {
        reader_.fail(entry.second["addresses"], "addresses belong to one node, and \"" +
                                                    entry.first.Scalar() + "\" is " +
                                                    std::to_string(names.size()));
      }
      for (size_t i = 0; i < names.size(); ++i) {
        if (knows(names[i]))
          reader_.fail(entry.first, "node \"" + names[i] + "\" is here a second time");
        NodePlan node = common;
        node.name = names[i];
        node.endpoint = endpoints[i];
        plan_.nodes.push_back(std::move(node));
      }
      if (plan_.nodes.size() > kNodeExpressionNamesMax) {
        reader_.fail(entry.first,
                     "more than " + std::to_string(kNodeExpressionNamesMax) + " nodes");
      }
    }
  }

  bool knows(const std::string& name) const {
    return std::any_of(plan_.nodes.begin(), plan_.nodes.end(),
                       [&name](const NodePlan& node) { return node.name == name; });
  }

  std::vector<std::string> expand(const YAML::Node& set, const NodeGroups& groups) const {
    try {
      return expandNodeExpression(set.Scalar(), groups);
    } catch (const NodeExpressionError& error) {
      failInSet(set, error);
    }
  }

  // A quoted text begins one column before its first character; the tag of the node tells.
  [[noreturn]] void failInSet(const YAML::Node& set, const NodeExpressionError& error) const {
    size_t quote = set.Tag() == "!" ? 1 : 0;
    reader_.fail(set, "node set \"" + set.Scalar() + "\": " + error.what(),
                 error.position() + quote);
  }

  NodePlan parseNode(const YAML::Node& map, const std::string& set) const {
    NodePlan node;
    reader_.expectMap(map, "node set \"" + set + "\"");
    reader_.checkKeys(map, {"role", "labels", "init", "boot", "addresses", "address", "tls"});
    refuseForeign(map, isLocal() ? kStaticOnly : kLocalOnly);
    if (!map["role"]) reader_.fail(map, "node set \"" + set + "\": the key \"role\" is missing");
    node.role = reader_.text(map["role"], "role");
    if (!isWord(node.role)) {
      reader_.fail(map["role"],
                   "role: \"" + node.role + "\" is not a word of letters, digits, '-', '_', '.'");
    }
    if (YAML::Node labels = map["labels"]) {
      reader_.expectMap(labels, "labels");
      reader_.checkNoDuplicates(labels);
      for (const auto& label : labels) {
        if (!isWord(label.first.Scalar()))
          reader_.fail(label.first, "labels: the name is not a word");
        node.labels[label.first.Scalar()] = reader_.text(label.second, "labels");
      }
    }
    if (YAML::Node init = map["init"]) {
      node.init =
          reader_.word(init, "init", {"minimal", "systemd"}) == 0 ? Init::kMinimal : Init::kSystemd;
    }
    if (YAML::Node boot = map["boot"]) node.boot = reader_.texts(boot, "boot");
    if (YAML::Node addresses = map["addresses"]) {
      node.addresses = reader_.texts(addresses, "addresses");
      for (size_t i = 0; i < node.addresses.size(); ++i) {
        if (!isNumericAddress(node.addresses[i])) {
          reader_.fail(addresses[i],
                       "addresses: \"" + node.addresses[i] + "\" is not an IPv4 or IPv6 address");
        }
      }
    }
    return node;
  }

  TlsFiles parseTls(const YAML::Node& map) const {
    reader_.expectMap(map, "tls");
    reader_.checkKeys(map, {"authority", "certificate", "key"});
    std::filesystem::path directory = std::filesystem::absolute(reader_.path()).parent_path();
    auto path = [&](const char* key) {
      if (!map[key]) reader_.fail(map, std::string("tls: the key \"") + key + "\" is missing");
      return (directory / reader_.text(map[key], key)).lexically_normal().string();
    };
    return {path("authority"), path("certificate"), path("key")};
  }

  std::vector<std::optional<Endpoint>> parseEndpoints(const YAML::Node& set, const YAML::Node& map,
                                                      size_t count) const {
    if (isLocal()) return std::vector<std::optional<Endpoint>>(count);
    YAML::Node address = map["address"];
    if (!address) {
      reader_.fail(set, "node set \"" + set.Scalar() +
                            "\": the key \"address\" is missing, such as 127.0.0.2:7411");
    }
    TlsFiles tls = map["tls"] ? parseTls(map["tls"]) : tls_;
    std::vector<std::optional<Endpoint>> endpoints;
    for (const std::string& text : expandAddress(address, count)) {
      endpoints.push_back(parseEndpoint(address, text, tls));
    }
    return endpoints;
  }

  // "tcp:127.0.0.[2-4]:7411" for three nodes.
  std::vector<std::string> expandAddress(const YAML::Node& address, size_t count) const {
    std::string text = reader_.text(address, "address");
    if (count == 1) return {text};
    size_t host = text.starts_with("tcp:") || text.starts_with("tls:") ? 4 : 0;
    size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon < host) colon = text.size();
    std::vector<std::string> all;
    try {
      for (const std::string& each : expandNodeExpression(text.substr(host, colon - host))) {
        all.push_back(text.substr(0, host) + each + text.substr(colon));
      }
    } catch (const NodeExpressionError& error) {
      reader_.fail(address, std::string("address: ") + error.what(), host + error.position());
    }
    if (all.size() != count) {
      reader_.fail(address, "address: " + std::to_string(all.size()) + " for " +
                                std::to_string(count) +
                                " nodes; write a set as in 127.0.0.[2-4]:7411");
    }
    return all;
  }

  Endpoint parseEndpoint(const YAML::Node& at, std::string text, const TlsFiles& tls) const {
    Endpoint endpoint;
    bool certificates = !tls.certificate.empty();
    if (text.starts_with("unix:")) {
      endpoint.address = text.substr(5);
      if (!endpoint.address.starts_with("/"))
        reader_.fail(at, "address: a unix socket has an absolute path");
      return endpoint;
    }
    bool wantsTls = text.starts_with("tls:");
    bool plain = text.starts_with("tcp:");
    if (wantsTls || plain) text = text.substr(4);
    size_t colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']')
      host = host.substr(1, host.size() - 2);
    std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    bool digits =
        !port.empty() && port.size() <= 5 &&
        std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    int number = digits ? std::stoi(port) : 0;
    if (!isNumericAddress(host) || number < 1 || number > 65535) {
      reader_.fail(at, "address: \"" + text +
                           "\" is not ADDRESS:PORT, such as 127.0.0.2:7411 or [::1]:7411");
    }
    if (wantsTls && !certificates)
      reader_.fail(at, "address: tls needs the key \"tls\" with certificates");
    if (!certificates && !isLoopback(host)) {
      reader_.fail(at, "address: " + host +
                           " is not loopback, so it needs the key \"tls\" with certificates");
    }
    if (plain && !isLoopback(host))
      reader_.fail(at, "address: tcp without TLS is for loopback only");
    endpoint.kind = Endpoint::Kind::kTcp;
    endpoint.address = host;
    endpoint.port = static_cast<uint16_t>(number);
    if (!plain) endpoint.tls = tls;
    return endpoint;
  }

  void parseBoot(const YAML::Node& boot) {
    reader_.expectMap(boot, "boot");
    reader_.checkNoDuplicates(boot);
    ClusterDescription described;
    for (const NodePlan& node : plan_.nodes) {
      described.nodes.push_back({node.name, node.role, node.labels, {}, {}});
    }
    for (const auto& entry : boot) {
      std::vector<std::string> commands = reader_.texts(entry.second, "boot");
      try {
        for (const std::string& name : selectNodes(described, entry.first.Scalar())) {
          auto node = std::find_if(plan_.nodes.begin(), plan_.nodes.end(),
                                   [&name](const NodePlan& each) { return each.name == name; });
          node->boot.insert(node->boot.end(), commands.begin(), commands.end());
        }
      } catch (const NodeExpressionError& error) {
        failInSet(entry.first, error);
      }
    }
  }

  support::ConfigReader reader_;
  ClusterPlan plan_;
  TlsFiles tls_;
};

}  // namespace

std::vector<std::string> knownProvisioners() {
  return {"local", "static"};
}

ClusterPlan parseClusterFile(const std::string& text, const std::string& path) {
  try {
    return FileParser(path).parse(text);
  } catch (const support::ConfigError& error) {
    throw ClusterFileError(error.what());
  }
}

ClusterPlan readClusterFile(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw ClusterFileError(path + ": is a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ClusterFileError(path + ": cannot be read: " + std::strerror(errno));
  if (std::filesystem::file_size(path, error) > kFileBytesMax && !error) {
    throw ClusterFileError(path + ": is larger than 1 MiB");
  }
  std::ostringstream content;
  content << file.rdbuf();
  return parseClusterFile(content.str(), path);
}

}  // namespace harness
