#include "harness/provision/program/program_provisioner.h"

#include <algorithm>

#include "harness/cluster/description_json.h"
#include "harness/os/error.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/listening.h"
#include "harness/provision/plan_differences.h"
#include "harness/provision/program/plan_json.h"
#include "harness/provision/programs.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;
using Phase = ClusterRecord::Phase;

constexpr size_t kStateBytesMax = 60;
constexpr size_t kDetailBytesMax = 1000;

// Runs `call`; a failure of this machine's files becomes the provisioner's error.
template <typename Call>
auto atBorder(Call&& call) {
  try {
    return call();
  } catch (const SystemError& error) {
    throw ProvisionError(error.what());
  }
}

ProtocolJson toJson(const std::vector<AgentFile>& files) {
  ProtocolJson list = ProtocolJson::array();
  for (const AgentFile& file : files) {
    list.push_back({{"path", file.path}, {"content", file.content}, {"mode", file.mode}});
  }
  return list;
}

std::vector<std::string> listeningPlaces() {
  std::vector<std::string> places = {agentListensAt("0.0.0.0")};
  if (machineHasIpv6()) places.push_back(agentListensAt("::"));
  return places;
}

ProtocolJson agentFilesOf(const ClusterPlan& plan, const ClusterIdentity& identity) {
  ProtocolJson all = ProtocolJson::object();
  for (const NodePlan& node : plan.nodes) {
    std::vector<AgentFile> files = identity.nodeFiles(node.name);
    files.push_back(agentConfig({.node = node.name, .listen = listeningPlaces()}));
    all[node.name] = toJson(files);
  }
  return all;
}

// The cluster as a program knows it.
ProtocolJson toRequest(const ClusterRecord& record, const std::string& directory) {
  return {{"name", record.name},
          {"tenure", wordFor(record.tenure)},
          {"directory", directory},
          {"plan", record.plan},
          {"kept", record.kept}};
}

std::string textOf(const Settings& settings, const std::string& key) {
  auto found = settings.find(key);
  return found == settings.end() ? "not set" : valueText(found->second);
}

PlanValues::Values valuesOf(const Settings& settings, const Settings& others) {
  PlanValues::Values values;
  for (const Settings* all : {&settings, &others}) {
    for (const auto& [key, setting] : *all) values[key] = textOf(settings, key);
  }
  return values;
}

// The values of a plan, with a word for each that only the other one has.
PlanValues valuesOf(const ClusterPlan& plan, const ClusterPlan& other) {
  PlanValues values;
  values.cluster = valuesOf(plan.settings, other.settings);
  for (const NodePlan& node : plan.nodes) {
    auto same = std::find_if(other.nodes.begin(), other.nodes.end(),
                             [&](const NodePlan& each) { return each.name == node.name; });
    values.nodes[node.name] =
        valuesOf(node.settings, same == other.nodes.end() ? node.settings : same->settings);
    values.nodes[node.name]["role"] = node.role;
    values.nodes[node.name]["labels"] = labelsText(node.labels);
  }
  return values;
}

NodeDescription describe(const NodePlan& node, const ProtocolJson& made, const TlsFiles& tls) {
  NodeDescription described{node.name, node.role, node.labels, {}, {}};
  made.at("addresses").get_to(described.addresses);
  described.route.endpoint = support::Endpoint::parse(made.at("endpoint").get<std::string>());
  described.route.networkNamespace = made.value("network_namespace", "");
  if (described.route.endpoint.transport == support::Transport::kTls) described.route.tls = tls;
  return described;
}

}  // namespace

ProgramProvisioner::ProgramProvisioner(ProgramOptions options) : options_(std::move(options)) {}

ProgramProvisioner::~ProgramProvisioner() {
  for (const std::string& cluster : std::set<std::string>(owned_)) {
    try {
      down(cluster);
    } catch (const ProvisionError&) {
      // The program removes it at its end; what that leaves is `muster gc`'s.
    }
  }
}

ProgramChannel& ProgramProvisioner::channel() {
  if (channel_ == nullptr || !channel_->isOpen()) {
    channel_ = atBorder([&] {
      return std::make_unique<ProgramChannel>(options_.program, options_.kind, options_.channel);
    });
  }
  return *channel_;
}

const ProgramDescription& ProgramProvisioner::description() {
  return channel().description();
}

ProtocolJson ProgramProvisioner::askAbout(const ClusterPlan& plan, ProtocolJson request,
                                          const ProgramChannel::Watcher& watcher) {
  try {
    return channel().ask(std::move(request), watcher);
  } catch (const BadPlanError& error) {
    if (error.pointer().empty()) throw ClusterFileError(error.what());
    failInPlan(plan, error.pointer(), error.what());
  }
}

void ProgramProvisioner::checkPlan(const ClusterPlan& plan) {
  askAbout(plan, {{"do", "check"}, {"plan", toJson(plan)}});
}

Examination ProgramProvisioner::examine(const ClusterPlan& plan) {
  ProtocolJson answer = askAbout(plan, {{"do", "examine"}, {"plan", toJson(plan)}});
  Examination examination;
  for (auto [name, list] :
       {std::pair{"missing", &examination.missing}, std::pair{"degraded", &examination.degraded}}) {
    if (!answer.contains(name)) continue;
    for (const ProtocolJson& text : answer[name]) list->push_back(text.get<std::string>());
  }
  return examination;
}

ClusterDescription ProgramProvisioner::up(const ClusterPlan& plan, Tenure tenure) {
  checkSettings(keysOf(*this), plan);
  Examination examination = examine(plan);
  if (!examination.missing.empty()) {
    throw ProvisionError(Kind::kNotPossibleHere,
                         "nodes of kind \"" + options_.kind +
                             "\" are not possible here; missing: " + joined(examination.missing));
  }
  return atBorder([&] {
    ClusterIdentity identity(plan.name);
    ClusterRecord record{.name = plan.name, .kind = options_.kind, .tenure = tenure};
    record.maker = ProcessMark::own();
    record.program = {record.maker.host, channel().pid(), startTimeOf(channel().pid())};
    record.plan = toJson(plan);
    record.wishes = toJson(plan.wishes);
    claim(record, identity.controllerFiles(options_.store.tlsDirectory(plan.name)));
    try {
      ClusterDescription made = make(plan, identity, record);
      if (tenure == Tenure::kOwned) owned_.insert(plan.name);
      return made;
    } catch (...) {
      // The end of its input tells a program that still works to stop.
      channel_.reset();
      try {
        remove(record);
      } catch (const ProvisionError&) {
        // Its record stays, by which `muster down` tries again.
      }
      throw;
    }
  });
}

// Makes the record of a new cluster, in place of one that a killed process has left.
void ProgramProvisioner::claim(ClusterRecord& record, const std::vector<AgentFile>& files) {
  for (int tries = 0; tries < 3; ++tries) {
    if (options_.store.add(record, files)) return;
    std::optional<ClusterRecord> other = options_.store.find(record.name);
    if (!other) continue;
    if (lifeOf(*other) == ClusterEntry::Life::kLeftover && other->kind == options_.kind) {
      remove(*other);
      continue;
    }
    std::string text = other->phase == Phase::kUp ? "up" : "being made or removed";
    throw ProvisionError("cluster \"" + record.name + "\" of kind \"" + other->kind + "\" is " +
                         text + " already" +
                         (other->kind == options_.kind ? differencesText(*other, record) : "") +
                         "; see \"muster down " + record.name + "\"");
  }
  throw ProvisionError("cluster \"" + record.name + "\" is made and removed by others just now");
}

ClusterDescription ProgramProvisioner::make(const ClusterPlan& plan,
                                            const ClusterIdentity& identity,
                                            ClusterRecord& record) {
  UpProgress progress{.ready = 0, .nodes = plan.nodes.size()};
  std::string agent = options_.agentProgram;
  if (agent.empty()) agent = findProgram("nodeagent");
  ProtocolJson request = {{"do", "up"},
                          {"owner", options_.store.owner()},
                          {"cluster", toRequest(record, options_.store.directoryOf(record.name))},
                          {"agent", {{"program", agent}, {"files", agentFilesOf(plan, identity)}}}};
  ProtocolJson answer = askAbout(plan, std::move(request), [&](const ProtocolJson& line) {
    note(record, line, progress);
    progress.event.reset();
  });
  ClusterDescription cluster{plan.name, options_.kind, {}};
  TlsFiles tls = ClusterIdentity::controllerPaths(options_.store.tlsDirectory(plan.name));
  for (const NodePlan& node : plan.nodes) {
    try {
      cluster.nodes.push_back(describe(node, answer.at("nodes").at(node.name), tls));
    } catch (const std::exception& error) {
      throw ProvisionError("the program's answer about it is wrong: " + std::string(error.what()),
                           node.name);
    }
  }
  awaitAgents(cluster, progress);
  record.phase = Phase::kUp;
  record.description = harness::toJson(cluster);
  options_.store.put(record);
  return cluster;
}

// Notes what the program says while it makes the nodes.
void ProgramProvisioner::note(ClusterRecord& record, const ProtocolJson& line,
                              UpProgress& progress) {
  if (line.contains("keep")) {
    record.kept = line["keep"];
    options_.store.put(record);
  }
  auto said = line.find("progress");
  if (said == line.end() || !said->is_object()) return tell(progress);
  auto text = [&](const char* name, size_t bytesMax) {
    auto value = said->find(name);
    if (value == said->end() || !value->is_string()) return std::string();
    return support::printable(support::beginningOf(value->get<std::string>(), bytesMax));
  };
  addState(record.name,
           {std::chrono::system_clock::now(), text("node", kStateBytesMax),
            text("state", kStateBytesMax), text("detail", kDetailBytesMax)},
           progress);
}

void ProgramProvisioner::addState(const std::string& cluster, NodeEvent event,
                                  UpProgress& progress) {
  options_.store.addState(cluster, event);
  progress.event = std::move(event);
  tell(progress);
  progress.event.reset();
}

void ProgramProvisioner::awaitAgents(const ClusterDescription& cluster, UpProgress& progress) {
  awaitListening(
      cluster.nodes, after(options_.readyTime),
      [&](const NodeDescription& node) {
        ++progress.ready;
        addState(cluster.name, {std::chrono::system_clock::now(), node.name, "ready", ""},
                 progress);
      },
      [&] { tell(progress); });
}

ClusterRecord ProgramProvisioner::recordOf(const std::string& cluster) {
  std::optional<ClusterRecord> record = options_.store.find(cluster);
  std::string name = "cluster \"" + support::printable(cluster) + "\"";
  if (!record || record->kind != options_.kind) {
    throw ProvisionError(Kind::kNoSuchCluster,
                         "there is no " + name + " of kind \"" + options_.kind + "\"");
  }
  switch (lifeOf(*record)) {
    case ClusterEntry::Life::kLeftover:
      throw ProvisionError(Kind::kNoSuchCluster,
                           name + " is not up any more: its process was killed");
    case ClusterEntry::Life::kHidden:
      throw ProvisionError(Kind::kNoPermission,
                           name + " is that of a process on " + record->maker.host);
    case ClusterEntry::Life::kRunning:
      break;
  }
  if (record->phase == Phase::kUp) return *record;
  throw ProvisionError(Kind::kNoAnswer, name + " is being made just now");
}

ClusterDescription ProgramProvisioner::find(const std::string& cluster) {
  try {
    return descriptionFromJson(recordOf(cluster).description);
  } catch (const std::invalid_argument& error) {
    throw ProvisionError("cluster \"" + cluster + "\": " + error.what());
  }
}

ClusterWishes ProgramProvisioner::wishes(const std::string& cluster) {
  return wishesFromJson(recordOf(cluster).wishes);
}

ClusterState ProgramProvisioner::state(const std::string& cluster) {
  ClusterRecord record = recordOf(cluster);
  ProtocolJson answer = channel().ask(
      {{"do", "state"}, {"cluster", toRequest(record, options_.store.directoryOf(record.name))}});
  ClusterState state{.tenure = record.tenure, .power = {}};
  try {
    for (const auto& [node, word] : answer.at("nodes").items()) {
      state.power[node] = powerOf(word.get<std::string>());
    }
  } catch (const std::exception& error) {
    throw ProvisionError("the answer of the program about cluster \"" + cluster +
                         "\" is wrong: " + error.what());
  }
  return state;
}

std::vector<NodeEvent> ProgramProvisioner::history(const std::string& cluster) {
  return options_.store.states(cluster);
}

std::vector<std::string> ProgramProvisioner::differences(const ClusterPlan& plan) {
  ClusterPlan made = planFromJson(recordOf(plan.name).plan);
  return differencesBetween(valuesOf(made, plan), valuesOf(plan, made));
}

std::string ProgramProvisioner::differencesText(const ClusterRecord& made,
                                                const ClusterRecord& wanted) {
  ClusterPlan before = planFromJson(made.plan);
  ClusterPlan now = planFromJson(wanted.plan);
  std::string text = joined(differencesBetween(valuesOf(before, now), valuesOf(now, before)));
  return text.empty() ? text : ", and differs from the file: " + text;
}

void ProgramProvisioner::remove(const ClusterRecord& record) {
  channel().ask(
      {{"do", "down"}, {"cluster", toRequest(record, options_.store.directoryOf(record.name))}});
  options_.store.remove(record.name);
  owned_.erase(record.name);
}

void ProgramProvisioner::down(const std::string& cluster) {
  std::optional<ClusterRecord> record = options_.store.find(cluster);
  if (!record || record->kind != options_.kind) return;
  bool isOwn = record->maker.text() == ProcessMark::own().text();
  if (record->phase == Phase::kBeingMade && !isOwn) {
    if (record->maker.runsHere() || lifeOf(*record) == ClusterEntry::Life::kHidden) {
      throw ProvisionError(Kind::kNoAnswer, "cluster \"" + cluster +
                                                "\" is being made by process " +
                                                std::to_string(record->maker.pid) + " on " +
                                                record->maker.host + "; end that first");
    }
    awaitEndOf(*record);
    record = options_.store.find(cluster);
    if (!record) return;
  }
  atBorder([&] { remove(*record); });
}

// Waits for a program that has lost its caller and removes what it has begun to make.
void ProgramProvisioner::awaitEndOf(const ClusterRecord& record) const {
  bool hasEnded =
      waitUntil(after(options_.channel.endTime), [&record] { return !record.program.runsHere(); });
  if (hasEnded) return;
  throw ProvisionError(Kind::kNoAnswer,
                       "cluster \"" + record.name + "\" is being removed by process " +
                           std::to_string(record.program.pid) + ", whose caller has gone");
}

std::vector<ClusterEntry> ProgramProvisioner::list() {
  std::vector<ClusterEntry> entries;
  for (const std::string& name : options_.store.names()) {
    std::optional<ClusterRecord> record = options_.store.find(name);
    if (record && record->kind == options_.kind) entries.push_back({name, lifeOf(*record)});
  }
  return entries;
}

// The machines may also have a cluster whose record is lost.
std::vector<std::string> ProgramProvisioner::collect() {
  std::vector<std::string> collected;
  for (const ClusterEntry& entry : list()) {
    if (entry.life != ClusterEntry::Life::kLeftover) continue;
    down(entry.name);
    collected.push_back(entry.name);
  }
  // A program that has made nothing here need not work here.
  if (!options_.store.hasHad(options_.kind)) return collected;
  return atBorder([&] {
    ProtocolJson answer = channel().ask({{"do", "list"}, {"owner", options_.store.owner()}});
    for (const ProtocolJson& each : answer.value("clusters", ProtocolJson::array())) {
      std::string name = each.get<std::string>();
      if (options_.store.find(name)) continue;
      ClusterRecord lost{.name = name, .kind = options_.kind};
      lost.plan = toJson(ClusterPlan{.name = name, .provisioner = options_.kind});
      remove(lost);
      collected.push_back(name);
    }
    return collected;
  });
}

MachineControl* ProgramProvisioner::machineControl() {
  const ProgramDescription& kind = description();
  return kind.can(kFreezeAbility) && kind.can(kPowerAbility) ? this : nullptr;
}

ProtocolJson ProgramProvisioner::order(const std::string& verb, const std::string& cluster,
                                       const std::string& node) {
  ClusterRecord record = recordOf(cluster);
  return channel().ask({{"do", verb},
                        {"cluster", toRequest(record, options_.store.directoryOf(record.name))},
                        {"node", node}});
}

void ProgramProvisioner::freeze(const std::string& cluster, const std::string& node) {
  order("freeze", cluster, node);
}
void ProgramProvisioner::thaw(const std::string& cluster, const std::string& node) {
  order("thaw", cluster, node);
}
void ProgramProvisioner::powerOff(const std::string& cluster, const std::string& node) {
  order("power_off", cluster, node);
}

PowerBefore ProgramProvisioner::powerOn(const std::string& cluster, const std::string& node) {
  ClusterDescription described = find(cluster);
  std::erase_if(described.nodes, [&](const NodeDescription& each) { return each.name != node; });
  bool wasOn = order("power_on", cluster, node).value("was_on", false);
  try {
    awaitListening(
        described.nodes, after(options_.readyTime), [](const NodeDescription&) {}, [] {});
  } catch (const ProvisionError&) {
    order("power_off", cluster, node);
    throw;
  }
  return wasOn ? PowerBefore::kOn : PowerBefore::kOff;
}

}  // namespace harness
