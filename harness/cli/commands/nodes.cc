// nodes: the nodes of a cluster and their states.
#include <algorithm>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/node_events.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

// The table's default: a person waits for it.
constexpr DurationOption kAnswerTimeout = connectTimeoutOption("3s");

constexpr Flag kStates({
    .name = "history",
    .help = "the states that the nodes came to when they were made, with times",
});

struct Row {
  NodeDescription node;
  std::string state;
  // Why the node is not up.
  std::string reason;
  // The state at the last answer.
  muster::NodeState connection;
  // Absent: the node did not answer, or grants us no facts.
  std::optional<muster::Facts> facts;
  std::chrono::steady_clock::time_point asked;

  std::string port() const {
    uint16_t number = node.route.endpoint.port();
    return number == 0 ? "unix" : std::to_string(number);
  }
  std::string address() const {
    if (!node.addresses.empty()) return node.addresses.front();
    return endpoint();
  }
  // Returns the host by name or address, or the path of a unix socket.
  std::string endpoint() const {
    if (!node.route.hostName.empty()) return node.route.hostName;
    const support::Endpoint& at = node.route.endpoint;
    return at.port() == 0 ? at.path() : at.host();
  }
  std::optional<std::chrono::nanoseconds> lastSeen() const {
    if (!connection.lastHeard) return std::nullopt;
    return asked - *connection.lastHeard;
  }
};

const char* wordFor(Power power) {
  switch (power) {
    case Power::kFrozen:
      return "frozen";
    case Power::kOff:
      return "off";
    case Power::kOn:
      break;
  }
  return "on";
}

// Returns the power of nodes as it is known without asking them, since one that is off does not
// answer. Empty where only the nodes know.
std::map<std::string, Power> powerOf(const ClusterDescription& cluster) {
  try {
    return makeProvisioner(cluster.provisioner)->state(cluster.name).power;
  } catch (const ProvisionError& error) {
    if (error.kind() != ProvisionError::Kind::kNoSuchCluster) throw;
    return {};
  }
}

void note(Row& row, const muster::NodeError& error, const std::map<std::string, Power>& power) {
  bool refused = error.kind() == muster::NodeError::Kind::kRefused;
  row.state = refused ? "refused" : "unreachable";
  row.reason = row.connection.lastError.empty() ? error.detail() : row.connection.lastError;
  auto known = power.find(row.node.name);
  if (known != power.end() && known->second != Power::kOn) row.state = wordFor(known->second);
}

std::vector<Row> ask(const ClusterDescription& cluster, const std::vector<NodeDescription>& nodes,
                     std::chrono::nanoseconds connectTimeout) {
  Connections connections(nodes, chooseRunId(""));
  auto until = [connectTimeout] { return std::chrono::steady_clock::now() + connectTimeout; };
  auto errors = connections.controller().awaitAll(connections.nodes(), until());
  std::vector<ControllerNode*> reachable;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!errors[i]) reachable.push_back(connections.nodes()[i]);
  }
  // Asking for it may take long.
  std::map<std::string, Power> power;
  if (reachable.size() < nodes.size()) power = powerOf(cluster);
  auto surveys = connections.controller().survey(reachable, until());
  std::vector<Row> rows;
  size_t next = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    Row row{nodes[i],     "up",
            "",           connections.nodes()[i]->state(),
            std::nullopt, std::chrono::steady_clock::now()};
    if (errors[i]) {
      note(row, *errors[i], power);
    } else if (auto* survey = std::get_if<NodeSurvey>(&surveys[next++])) {
      row.facts = std::move(survey->facts);
      row.connection = survey->state;
    } else {
      note(row, std::get<muster::NodeError>(surveys[next - 1]), power);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

const char* connectionText(muster::NodeState::Kind kind) {
  switch (kind) {
    case muster::NodeState::Kind::kConnected:
      return "connected";
    case muster::NodeState::Kind::kReconnecting:
      return "reconnecting";
    case muster::NodeState::Kind::kRefused:
      return "refused";
    case muster::NodeState::Kind::kClosed:
      return "closed";
    case muster::NodeState::Kind::kConnecting:
      break;
  }
  return "connecting";
}

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

void addMeasured(Json& entry, const Row& row) {
  entry["connection"] = connectionText(row.connection.kind);
  auto lastSeen = row.lastSeen();
  entry["last_seen_seconds"] = lastSeen ? Json(seconds(*lastSeen)) : Json(nullptr);
  entry["uptime_seconds"] = row.facts ? Json(seconds(row.facts->uptime)) : Json(nullptr);
  entry["boot_id"] = row.connection.bootId;
  entry["jobs"] = row.facts ? Json(row.facts->agent.jobsRunning) : Json(nullptr);
  entry["sessions"] = row.facts ? Json(row.facts->agent.sessions) : Json(nullptr);
  const auto& clock = row.connection.clock;
  entry["round_trip_ns"] = clock ? Json(clock->roundTrip.count()) : Json(nullptr);
  entry["clock_offset_ns"] = clock ? Json(clock->offset.count()) : Json(nullptr);
  entry["clock_error_ns"] = clock ? Json(clock->errorMax.count()) : Json(nullptr);
}

void printRows(const ClusterDescription& cluster, const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) {
    Json entry = {{"cluster", cluster.name},   {"name", row.node.name},
                  {"role", row.node.role},     {"labels", row.node.labels},
                  {"address", row.address()},  {"addresses", row.node.addresses},
                  {"endpoint", row.endpoint()}};
    uint16_t port = row.node.route.endpoint.port();
    entry["port"] = port == 0 ? Json(nullptr) : Json(port);
    entry["state"] = row.state;
    entry["version"] = row.connection.agentVersion;
    entry["reason"] = row.reason;
    addMeasured(entry, row);
    list.push_back(std::move(entry));
  }
  printJson(list);
}

// "+1.2 ms ±40 us"
std::string offsetText(const muster::ClockEstimate& clock) {
  auto size = clock.offset.count() < 0 ? -clock.offset : clock.offset;
  return (clock.offset.count() < 0 ? "-" : "+") + durationText(size) + " \u00b1" +
         durationText(clock.errorMax);
}

void printTable(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> cells = {{"NAME", "ROLE", "ADDRESS", "PORT", "STATE",
                                                  "VERSION", "UPTIME", "JOBS", "SEEN", "ROUND TRIP",
                                                  "CLOCK OFFSET"}};
  for (const Row& row : rows) {
    const auto& clock = row.connection.clock;
    auto lastSeen = row.lastSeen();
    cells.push_back({row.node.name, row.node.role, row.address(), row.port(), row.state,
                     row.connection.agentVersion, row.facts ? ageText(row.facts->uptime) : "",
                     row.facts ? std::to_string(row.facts->agent.jobsRunning) : "",
                     lastSeen ? ageText(*lastSeen) : "",
                     clock ? durationText(clock->roundTrip) : "", clock ? offsetText(*clock) : ""});
  }
  std::cout << table(cells);
  for (const Row& row : rows) {
    if (!row.reason.empty()) std::cerr << row.node.name << ": " << row.reason << "\n";
  }
}

// Prints the states that the chosen nodes came to when they were made.
int printHistory(const ClusterDescription& cluster, const std::vector<NodeDescription>& nodes,
                 bool asJson) {
  std::vector<NodeEvent> events = makeProvisioner(cluster.provisioner)->history(cluster.name);
  std::erase_if(events, [&nodes](const NodeEvent& event) {
    return std::none_of(nodes.begin(), nodes.end(),
                        [&event](const NodeDescription& node) { return node.name == event.node; });
  });
  if (asJson) {
    printJson({{"cluster", cluster.name}, {"states", eventsJson(events)}});
  } else {
    std::cout << eventsText(events);
  }
  return kExitOk;
}

int run(const Arguments& arguments) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  if (arguments[kStates]) return printHistory(cluster, nodes, arguments[kJson]);
  std::vector<Row> rows = ask(cluster, nodes, arguments[kAnswerTimeout]);
  arguments[kJson] ? printRows(cluster, rows) : printTable(rows);
  for (const Row& row : rows) {
    if (row.state != "up") return kExitUnavailable;
  }
  return kExitOk;
}

}  // namespace

const Command kNodes = {
    .name = "nodes",
    .usage = "[NODESET]",
    .summary = "list the nodes: role, address, state, version, clock",
    .options =
        [] {
          return OptionList{&kCluster, &kAnswerTimeout, &kStates, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = "Exit status: 0 if every node is up, 69 if one is not.\n",
};

}  // namespace harness
