// nodes: who is there, and in which state.
#include <iostream>

#include <nlohmann/json.hpp>

#include "harness/cli/clusters.h"
#include "harness/cli/command.h"
#include "harness/cli/connections.h"
#include "harness/provision/local.h"

namespace harness {
namespace {

struct Row {
  NodeDescription node;
  std::string state;
  std::string version;
  std::string reason;  // Why it is not up.

  std::string port() const {
    return node.endpoint.kind == Endpoint::Kind::kTcp ? std::to_string(node.endpoint.port) : "unix";
  }
  std::string address() const {
    if (!node.addresses.empty()) return node.addresses.front();
    return node.endpoint.address;
  }
};

// What is known without asking a node: nobody answers from one that is off.
std::map<std::string, std::string> powerOf(const ClusterDescription& cluster) {
  if (cluster.provisioner != "local") return {};
  return LocalProvisioner().power(cluster.name);
}

std::vector<Row> ask(const ClusterDescription& cluster, const std::vector<NodeDescription>& nodes,
                     std::chrono::nanoseconds patience) {
  std::map<std::string, std::string> power = powerOf(cluster);
  Connections connections(nodes);
  auto errors = connections.controller().awaitAll(connections.nodes(),
                                                  std::chrono::steady_clock::now() + patience);
  std::vector<Row> rows;
  for (size_t i = 0; i < nodes.size(); ++i) {
    muster::NodeState state = connections.nodes()[i]->state();
    Row row{nodes[i], "up", state.agentVersion, ""};
    if (errors[i]) {
      bool refused = errors[i]->kind() == muster::NodeError::Kind::kRefused;
      row.state = refused ? "refused" : "unreachable";
      row.reason = state.lastError.empty() ? errors[i]->detail() : state.lastError;
      auto known = power.find(nodes[i].name);
      if (known != power.end() && known->second != "on") row.state = known->second;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void printJson(const ClusterDescription& cluster, const std::vector<Row>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json entry = {{"cluster", cluster.name},
                                    {"name", row.node.name},
                                    {"role", row.node.role},
                                    {"labels", row.node.labels},
                                    {"address", row.address()},
                                    {"addresses", row.node.addresses},
                                    {"endpoint", row.node.endpoint.address}};
    entry["port"] = row.node.endpoint.port == 0 ? nlohmann::ordered_json(nullptr)
                                                : nlohmann::ordered_json(row.node.endpoint.port);
    entry["state"] = row.state;
    entry["version"] = row.version;
    entry["reason"] = row.reason;
    list.push_back(std::move(entry));
  }
  std::cout << list.dump(2) << "\n";
}

void printTable(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> cells = {
      {"NAME", "ROLE", "ADDRESS", "PORT", "STATE", "VERSION"}};
  for (const Row& row : rows) {
    cells.push_back({row.node.name, row.node.role, row.address(), row.port(), row.state,
                     row.version.empty() ? "-" : row.version});
  }
  std::vector<size_t> widths(cells[0].size());
  for (const auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : cells) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      text += line[i] + std::string(widths[i] - line[i].size() + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    std::cout << text << "\n";
  }
  for (const Row& row : rows) {
    if (!row.reason.empty()) std::cerr << row.node.name << ": " << row.reason << "\n";
  }
}

}  // namespace

int runNodes(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  options.add_options()("cluster", "name or file",
                        cxxopts::value<std::string>()->default_value(""))("json", "as JSON")(
      "timeout", "how long to wait for the nodes",
      cxxopts::value<std::string>()->default_value("3s"));
  cxxopts::ParseResult arguments = parseArguments(
      invocation, options, "\nExit status: 0 if every node is up, 69 if one is not.\n");
  std::vector<std::string> words = positional(arguments, invocation, 0, 1);
  std::chrono::nanoseconds patience =
      durationOption(arguments["timeout"].as<std::string>(), "timeout");
  ClusterDescription cluster = chooseCluster(arguments["cluster"].as<std::string>());
  std::vector<Row> rows =
      ask(cluster, chooseNodes(cluster, words.empty() ? "@*" : words[0]), patience);
  arguments.count("json") != 0 ? printJson(cluster, rows) : printTable(rows);
  for (const Row& row : rows) {
    if (row.state != "up") return kExitUnavailable;
  }
  return kExitOk;
}

}  // namespace harness
