#include "harness/provision/local/local.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>

#include <nlohmann/json.hpp>

#include "harness/cluster/description_json.h"
#include "harness/os/error.h"
#include "harness/provision/error.h"
#include "harness/provision/local/hub/answer.h"
#include "harness/provision/local/hub/error.h"
#include "harness/provision/local/hub/state.h"
#include "harness/provision/local/kind.h"
#include "harness/provision/local/local_keys.h"
#include "harness/provision/local/local_plan.h"
#include "harness/provision/local/machine.h"
#include "harness/provision/local/plan_values.h"
#include "harness/provision/programs.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;

constexpr std::chrono::seconds kDownTime{40};
constexpr std::chrono::milliseconds kDeathTime{200};
constexpr std::chrono::milliseconds kTellEvery{100};

// Runs `call`; what the hub's code and the system throw becomes the provisioner's error here, and
// nowhere else.
template <typename Call>
auto atBorder(Call&& call) {
  try {
    return call();
  } catch (const HubError& error) {
    throw ProvisionError(error.detail(), error.node());
  } catch (const SystemError& error) {
    bool denied = error.number() == EACCES || error.number() == EPERM;
    throw ProvisionError(denied ? Kind::kNoPermission : Kind::kFailed, error.what());
  }
}

void requireRoot(const std::string& attempt) {
  if (::geteuid() == 0) return;
  throw ProvisionError(Kind::kNoPermission,
                       attempt + ": local clusters belong to root; run it as root or through sudo");
}

Child spawnHub(const std::string& program, int input, int output) {
  SpawnOptions options = apart({program});
  options.environment = {{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
  options.input = input;
  options.output = output;
  return spawn(options);
}

std::string readLineUntil(int fd, Deadline deadline, const std::string& what) {
  std::string line;
  char buffer[65536];
  while (line.empty() || line.back() != '\n') {
    pollfd readable{fd, POLLIN, 0};
    int count = ::poll(&readable, 1, millisecondsUntil(deadline));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) throw ProvisionError(Kind::kNoAnswer, what + ": no answer in time");
    ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) throw ProvisionError(Kind::kNoAnswer, what + ": it ended without an answer");
    line.append(buffer, static_cast<size_t>(size));
  }
  return line;
}

// Writes to a process that may be gone: SIGPIPE must not end ours.
void writeToHub(int fd, const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    ssize_t count = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    check(count, "write to muster-hub");
    rest.remove_prefix(static_cast<size_t>(count));
  }
}

// Returns how many nodes are ready, as a line of the hub says that is still at work. nullopt: the
// line is its answer.
std::optional<size_t> readyCountIn(const std::string& line) {
  nlohmann::json said = nlohmann::json::parse(line, nullptr, false);
  if (!said.is_object() || !said.contains("progress")) return std::nullopt;
  return said["progress"].value("ready", size_t(0));
}

// Reads the answer of a hub that makes nodes. `tell` is called between two reads with the number of
// those that are ready.
std::string readAnswerUntil(int fd, Deadline deadline, const std::string& what,
                            const std::function<void(size_t ready)>& tell) {
  size_t ready = 0;
  while (true) {
    Deadline turn = std::min(deadline, after(kTellEvery));
    tell(ready);
    pollfd readable{fd, POLLIN, 0};
    bool isQuiet = ::poll(&readable, 1, millisecondsUntil(turn)) <= 0;
    if (isQuiet && millisecondsUntil(deadline) > 0) continue;
    // Several lines may have come at once, of which the last says what holds now.
    std::string lines = readLineUntil(fd, deadline, what);
    size_t end = lines.rfind('\n', lines.size() - 2);
    std::string last = end == std::string::npos ? lines : lines.substr(end + 1);
    auto count = readyCountIn(last);
    if (!count) return last;
    ready = *count;
  }
}

nlohmann::json parseAnswer(const std::string& line) {
  nlohmann::json answer = nlohmann::json::parse(line, nullptr, false);
  if (!answer.is_object()) {
    throw ProvisionError(
        Kind::kNoAnswer,
        "muster-hub: not an answer: \"" + support::escaped(support::beginningOf(line, 200)) + "\"");
  }
  if (!answer.value("ok", false)) {
    bool unsupported = answer.value("unsupported", false);
    throw ProvisionError(unsupported ? Kind::kNotPossibleHere : Kind::kFailed,
                         answer.value("detail", "no reason given"), answer.value("node", ""));
  }
  return answer;
}

// The cluster of a hub that answered with its state.
ClusterDescription describedBy(const nlohmann::json& state) {
  ClusterDescription description = descriptionFromJson(state.at("description"));
  completeDescription(description, state.at("hub").get<pid_t>());
  return description;
}

bool isPresent(const std::string& cluster) {
  std::vector<std::string> present = clustersPresent();
  return std::find(present.begin(), present.end(), cluster) != present.end();
}

// True if the other end of a connection on which nothing is awaited is gone.
bool isStale(int fd) {
  pollfd end{fd, POLLIN | POLLRDHUP, 0};
  return ::poll(&end, 1, 0) != 0;
}

// Ends a hub that does not answer, then collects what it leaves.
void endHubByForce(const std::string& cluster, Deadline deadline) {
  if (auto hub = hubProcessOf(cluster)) killProcess(hub->pid, hub->startTime, deadline);
  // The lock goes with the last of its half-made nodes.
  if (!waitUntil(deadline, [&cluster] { return !hubLives(cluster); })) {
    throw ProvisionError("cluster \"" + cluster + "\" is locked by a process that does not end");
  }
  collectCluster(cluster);
}

// Removes what a hub has left that did not end in order. A failure has nobody who is told here: the
// next `up` or `muster gc` tries again, and tells.
void collectQuietly(const std::string& cluster) {
  try {
    if (isPresent(cluster)) collectCluster(cluster);
  } catch (const SystemError&) {
  }
}

std::unique_ptr<Provisioner> make() {
  return std::make_unique<LocalProvisioner>();
}

}  // namespace

const ProvisionerKind& localKind() {
  static const ProvisionerKind kKind{localKeys(), make};
  return kKind;
}

LocalProvisioner::LocalProvisioner(LocalOptions options) : options_(std::move(options)) {
  if (options_.hubProgram.empty()) options_.hubProgram = findProgram("muster-hub");
  if (options_.agentProgram.empty()) options_.agentProgram = findProgram("nodeagent");
}

LocalProvisioner::~LocalProvisioner() {
  controls_.clear();
  for (auto& [cluster, started] : started_) started.input.reset();
  Deadline deadline = after(kDownTime);
  for (auto& [cluster, started] : started_) {
    if (started.tenure != Tenure::kOwned) continue;
    started.hub.endBy(deadline);
    collectQuietly(cluster);
  }
}

Examination LocalProvisioner::examine(const ClusterPlan& plan) {
  return examineMachine(plan, options_.hubProgram, options_.agentProgram);
}

ClusterDescription LocalProvisioner::up(const ClusterPlan& plan, Tenure tenure) {
  return atBorder([&] { return start(plan, tenure); });
}

ClusterDescription LocalProvisioner::start(const ClusterPlan& plan, Tenure tenure) {
  checkSettings(localKind(), plan);
  Examination machine = examine(plan);
  if (!machine.missing.empty()) {
    throw ProvisionError(Kind::kNotPossibleHere,
                         "local nodes are not possible here; missing: " + joined(machine.missing));
  }
  LocalPlan local = composeLocal(plan, options_.agentProgram);
  raiseInotifyLimit();
  local.hub.owned = tenure == Tenure::kOwned;
  local.hub.tellsProgress = true;
  local.hub.readySeconds = static_cast<int>(options_.readyTime.count());
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  Pipe report = makePipe();
  Child hub = spawnHub(options_.hubProgram, theirs.get(), report.writeEnd.get());
  theirs.reset();
  report.writeEnd.reset();
  try {
    writeToHub(ours.get(), toJson(local.hub) + "\n");
    ClusterDescription made = describedBy(parseAnswer(readAnswerUntil(
        report.readEnd.get(), after(options_.readyTime + options_.answerTime),
        "make cluster \"" + plan.name + "\"",
        [&](size_t ready) { tell({.ready = ready, .nodes = plan.nodes.size()}); })));
    started_[plan.name] = Started{std::move(hub), tenure, std::move(ours)};
    return made;
  } catch (const std::exception& error) {
    ours.reset();
    hub.endBy(after(kDownTime));
    collectQuietly(plan.name);
    const auto* refusal = dynamic_cast<const ProvisionError*>(&error);
    // A hub lives all the same, which is another's.
    std::string text = refusal != nullptr && hubLives(plan.name) ? differencesText(plan) : "";
    if (text.empty()) throw;
    throw ProvisionError(refusal->kind(), refusal->detail() + text, refusal->node());
  }
}

Fd LocalProvisioner::connectTo(const std::string& cluster) {
  std::string path = ClusterPaths(cluster).control;
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) failSystem("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (isPlainClusterName(cluster) && path.size() < sizeof address.sun_path) {
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      return socket;
    }
    if (errno == EACCES || errno == EPERM) {
      throw ProvisionError(Kind::kNoPermission, "whether the local cluster \"" + cluster +
                                                    "\" is up is for root to see; run it as root "
                                                    "or through sudo");
    }
    if (errno != ENOENT && errno != ECONNREFUSED) failSystem("connect to " + path);
    if (hubLives(cluster)) {
      throw ProvisionError(Kind::kNoAnswer, "the local cluster \"" + cluster +
                                                "\" is being made or removed just now");
    }
  }
  throw ProvisionError(Kind::kNoSuchCluster,
                       "there is no running local cluster \"" + cluster + "\"");
}

nlohmann::json LocalProvisioner::ask(const std::string& cluster, const nlohmann::json& request,
                                     std::chrono::seconds patience) {
  // A hub that is killed may still accept a connection, and ends without an answer: there is no
  // cluster then. Its sockets and its lock go one after the other.
  auto failIfGone = [&cluster] {
    if (!waitUntil(after(kDeathTime), [&] { return !hubLives(cluster); })) return;
    throw ProvisionError(Kind::kNoSuchCluster, "there is no running local cluster \"" + cluster +
                                                   "\": its hub has just ended");
  };
  return atBorder([&] {
    Fd& control = controls_[cluster];
    try {
      // Another hub may have taken its place.
      if (!control || isStale(control.get())) control = connectTo(cluster);
      writeToHub(control.get(), lineOf(request));
      return parseAnswer(readLineUntil(control.get(), after(patience),
                                       "muster-hub of cluster \"" + cluster + "\""));
    } catch (const ProvisionError& error) {
      if (error.kind() != Kind::kNoAnswer) throw;
      // The answer may still come: it must not be taken for the next one.
      controls_.erase(cluster);
      failIfGone();
      throw;
    } catch (const SystemError&) {
      controls_.erase(cluster);
      failIfGone();
      throw;
    } catch (...) {
      controls_.erase(cluster);
      throw;
    }
  });
}

ClusterDescription LocalProvisioner::find(const std::string& cluster) {
  return describedBy(ask(cluster, {{"do", "state"}}, options_.answerTime));
}

ClusterWishes LocalProvisioner::wishes(const std::string& cluster) {
  nlohmann::json answer = ask(cluster, {{"do", "state"}}, options_.answerTime);
  return wishesFromJson(answer.at("description").value("wishes", nlohmann::json()));
}

ClusterState LocalProvisioner::state(const std::string& cluster) {
  nlohmann::json answer = ask(cluster, {{"do", "state"}}, options_.answerTime);
  ClusterState state;
  state.tenure = answer.at("owned").get<bool>() ? Tenure::kOwned : Tenure::kStanding;
  for (const nlohmann::json& node : answer.at("nodes")) {
    bool frozen = node.at("frozen").get<bool>();
    bool running = node.at("running").get<bool>();
    state.power[node.at("name").get<std::string>()] = !running ? Power::kOff
                                                      : frozen ? Power::kFrozen
                                                               : Power::kOn;
  }
  return state;
}

// A hub of an earlier muster has kept no plan, so that there is nothing to compare.
std::vector<std::string> LocalProvisioner::differences(const ClusterPlan& plan) {
  nlohmann::json answer = ask(plan.name, {{"do", "state"}, {"plan", true}}, options_.answerTime);
  auto kept = answer.find("plan");
  if (kept == answer.end() || !kept->is_object()) return {};
  PlanValues made;
  kept->at("cluster").get_to(made.cluster);
  kept->at("nodes").get_to(made.nodes);
  return differencesBetween(made, planValues(plan));
}

std::string LocalProvisioner::differencesText(const ClusterPlan& plan) {
  try {
    std::string text = joined(differences(plan));
    return text.empty() ? text : "; it differs from the file: " + text;
  } catch (const ProvisionError&) {
    return "";  // The refusal that it would explain is told in any case.
  }
}

std::vector<ClusterEntry> LocalProvisioner::list() {
  std::vector<ClusterEntry> entries;
  for (const std::string& name : clustersPresent()) {
    ClusterEntry entry{name, ClusterEntry::Life::kLeftover};
    switch (hubLife(name)) {
      case HubLife::kLives:
        entry.life = ClusterEntry::Life::kRunning;
        break;
      case HubLife::kHidden:
        entry.life = ClusterEntry::Life::kHidden;
        break;
      case HubLife::kGone:
        break;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<std::string> LocalProvisioner::collect() {
  requireRoot("collect");
  return atBorder([] {
    std::vector<std::string> collected;
    for (const std::string& name : clustersPresent()) {
      if (collectCluster(name)) collected.push_back(name);
    }
    return collected;
  });
}

void LocalProvisioner::down(const std::string& cluster) {
  if (!isPlainClusterName(cluster)) return;
  requireRoot("remove cluster \"" + cluster + "\"");
  atBorder([&] { remove(cluster); });
}

void LocalProvisioner::remove(const std::string& cluster) {
  Deadline deadline = after(kDownTime);
  std::string problem;
  if (hubLives(cluster)) {
    try {
      ask(cluster, {{"do", "down"}}, kDownTime);
    } catch (const ProvisionError& error) {
      problem = error.what();  // Told below, if force does not help either.
    }
    controls_.erase(cluster);
  }
  auto started = started_.find(cluster);
  if (started != started_.end()) {
    started->second.input.reset();
    started->second.hub.endBy(deadline);
    started_.erase(started);
  }
  if (!isPresent(cluster)) return;
  try {
    endHubByForce(cluster, deadline + kDownTime);
  } catch (const std::runtime_error& error) {
    throw ProvisionError(problem.empty() ? error.what() : problem + "; then: " + error.what());
  }
}

nlohmann::json LocalProvisioner::order(const std::string& verb, const std::string& cluster,
                                       const std::string& node) {
  return ask(cluster, {{"do", verb}, {"node", node}}, options_.readyTime + options_.answerTime);
}

void LocalProvisioner::freeze(const std::string& cluster, const std::string& node) {
  order("freeze", cluster, node);
}
void LocalProvisioner::thaw(const std::string& cluster, const std::string& node) {
  order("thaw", cluster, node);
}
void LocalProvisioner::powerOff(const std::string& cluster, const std::string& node) {
  order("powerOff", cluster, node);
}
PowerBefore LocalProvisioner::powerOn(const std::string& cluster, const std::string& node) {
  bool wasOn = order("powerOn", cluster, node).value("wasOn", false);
  return wasOn ? PowerBefore::kOn : PowerBefore::kOff;
}

}  // namespace harness
