#include "harness/provision/program/serve.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/provision/error.h"
#include "harness/provision/program/plan_json.h"
#include "harness/provision/program/words.h"
#include "schema/support/base/version.h"

namespace harness {
namespace {

// Muster sends one request at a time.
constexpr size_t kRequestsMax = 16;

// Muster takes a program for hung that is silent for a minute.
constexpr std::chrono::seconds kHeartbeatEvery{20};
constexpr int kHeartbeatsMax = 45;

// The lines of standard input, read by a thread of its own, so that their end is seen at any time.
class Requests {
 public:
  Requests() : reader_([this] { read(); }) {}
  // The input has ended by then.
  ~Requests() { reader_.join(); }

  // Waits for the next line. nullopt: the input has ended.
  std::optional<std::string> next() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !lines_.empty() || hasEnded_; });
    if (lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    changed_.notify_all();
    return line;
  }

  bool hasEnded() const { return hasEnded_; }

 private:
  void read() {
    std::string rest;
    std::string buffer(65536, '\0');
    while (rest.size() <= kProtocolLineMax) {
      ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      rest.append(buffer, 0, static_cast<size_t>(count));
      for (size_t end; (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1)) {
        add(rest.substr(0, end));
      }
    }
    std::lock_guard<std::mutex> lock(mutex_);
    hasEnded_ = true;
    changed_.notify_all();
  }

  void add(std::string line) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return lines_.size() < kRequestsMax; });
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  std::atomic<bool> hasEnded_{false};
  std::thread reader_;
};

// Writes lines to standard output, on any thread.
class Answers {
 public:
  // False: nobody reads any more.
  bool write(const ProtocolJson& json) {
    std::string line = json.dump(-1, ' ', false, ProtocolJson::error_handler_t::replace) + "\n";
    std::lock_guard<std::mutex> lock(mutex_);
    try {
      writeAll(STDOUT_FILENO, line, "the answer");
      return true;
    } catch (const SystemError&) {
      return false;
    }
  }

 private:
  std::mutex mutex_;
};

// Tells, while it lives, that a request is worked on: some wait for long for machines that are
// slow, and have nothing to say meanwhile. One that never ends falls silent.
class Heartbeat {
 public:
  Heartbeat(Answers& answers, ProtocolJson id)
      : thread_([this, &answers, id = std::move(id)] { beat(answers, id); }) {}
  ~Heartbeat() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      isOver_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

 private:
  void beat(Answers& answers, const ProtocolJson& id) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (int beats = 0; beats < kHeartbeatsMax; ++beats) {
      if (changed_.wait_for(lock, kHeartbeatEvery, [this] { return isOver_; })) return;
      answers.write({{"id", id}, {"progress", nullptr}});
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool isOver_ = false;
  std::thread thread_;
};

class Report : public UpReport {
 public:
  Report(Answers& answers, const Requests& requests, ProtocolJson id)
      : answers_(answers), requests_(requests), id_(std::move(id)) {}

  void state(const std::string& node, const std::string& state,
             const std::string& detail) override {
    answers_.write(
        {{"id", id_}, {"progress", {{"node", node}, {"state", state}, {"detail", detail}}}});
  }
  void keep(const nlohmann::json& value) override {
    answers_.write({{"id", id_}, {"keep", value}});
  }
  bool isCancelled() const override { return requests_.hasEnded(); }

 private:
  Answers& answers_;
  const Requests& requests_;
  ProtocolJson id_;
};

ProtocolJson toJson(const std::vector<Key>& keys) {
  ProtocolJson list = ProtocolJson::array();
  for (const Key& key : keys) {
    list.push_back({{"name", key.name},
                    {"required", key.presence == Key::Presence::kRequired},
                    {"example", key.example},
                    {"spreads", static_cast<bool>(key.spread)}});
  }
  return list;
}

ProtocolJson describe(Backend& backend) {
  KindKeys keys = backend.keys();
  ProtocolJson abilities = ProtocolJson::array();
  if (backend.machines() != nullptr) abilities = {kFreezeAbility, kPowerAbility};
  return {{"protocol", kProtocolVersion},
          {"kind", keys.name},
          {"cluster_keys", toJson(keys.clusterKeys)},
          {"node_keys", toJson(keys.nodeKeys)},
          {"abilities", abilities}};
}

// Throws nlohmann::json::exception and std::invalid_argument for what is no cluster.
KnownCluster clusterIn(const ProtocolJson& json) {
  return {.plan = planFromJson(json.at("plan")),
          .tenure = tenureOf(json.at("tenure").get<std::string>()),
          .directory = json.at("directory").get<std::string>(),
          .kept = nlohmann::json::parse(json.at("kept").dump())};
}

UpRequest upRequestIn(const ProtocolJson& request, const KnownCluster& cluster) {
  UpRequest up{.plan = cluster.plan, .tenure = cluster.tenure, .directory = cluster.directory};
  up.owner = request.at("owner").get<std::string>();
  up.agentProgram = request.at("agent").at("program").get<std::string>();
  for (const auto& [node, files] : request.at("agent").at("files").items()) {
    for (const ProtocolJson& file : files) {
      up.agentFiles[node].push_back({file.at("path").get<std::string>(),
                                     file.at("content").get<std::string>(),
                                     file.at("mode").get<mode_t>()});
    }
  }
  return up;
}

class Server {
 public:
  explicit Server(Backend& backend) : backend_(backend) {}

  void run() {
    answers_.write(describe(backend_));
    while (std::optional<std::string> line = requests_.next()) {
      ProtocolJson request = ProtocolJson::parse(*line, nullptr, false);
      if (!request.is_object()) {
        std::cerr << "a request is no JSON object\n";
        continue;
      }
      answer(request);
    }
    undo();
  }

 private:
  void answer(const ProtocolJson& request) {
    ProtocolJson answer = {{"id", request.value("id", ProtocolJson())}};
    try {
      Heartbeat heartbeat(answers_, answer["id"]);
      answer["ok"] = handle(request.value("do", ""), request);
    } catch (const ClusterFileError& error) {
      answer["error"] = {{"kind", kBadPlanWord}, {"detail", error.what()}};
    } catch (const ProvisionError& error) {
      answer["error"] = {
          {"kind", wordFor(error.kind())}, {"detail", error.detail()}, {"node", error.node()}};
    } catch (const std::exception& error) {
      answer["error"] = {{"kind", wordFor(ProvisionError::Kind::kFailed)},
                         {"detail", error.what()}};
    }
    answers_.write(answer);
  }

  ProtocolJson handle(const std::string& verb, const ProtocolJson& request) {
    if (verb == "check") return check(planFromJson(request.at("plan")));
    if (verb == "examine") return examine(planFromJson(request.at("plan")));
    if (verb == "list") return {{"clusters", backend_.list(request.at("owner"))}};
    if (verb == "up") return up(request);
    KnownCluster cluster = clusterIn(request.at("cluster"));
    if (verb == "state") return state(cluster);
    if (verb == "down") return down(cluster);
    return order(verb, cluster, request.at("node").get<std::string>());
  }

  ProtocolJson check(const ClusterPlan& plan) {
    checkSettings(backend_.keys(), plan);
    return ProtocolJson::object();
  }

  ProtocolJson examine(const ClusterPlan& plan) {
    Examination examination = backend_.examine(plan);
    return {{"missing", examination.missing}, {"degraded", examination.degraded}};
  }

  ProtocolJson up(const ProtocolJson& request) {
    KnownCluster cluster = clusterIn(request.at("cluster"));
    Report report(answers_, requests_, request.at("id"));
    auto made = backend_.up(upRequestIn(request, cluster), report);
    if (cluster.tenure == Tenure::kOwned || requests_.hasEnded()) {
      owned_.insert_or_assign(cluster.plan.name, cluster);
    }
    ProtocolJson nodes = ProtocolJson::object();
    for (const auto& [node, at] : made) {
      nodes[node] = {{"addresses", at.addresses},
                     {"endpoint", at.endpoint.text()},
                     {"network_namespace", at.networkNamespace}};
    }
    return {{"nodes", nodes}};
  }

  ProtocolJson state(const KnownCluster& cluster) {
    ProtocolJson nodes = ProtocolJson::object();
    for (const auto& [node, power] : backend_.state(cluster)) nodes[node] = wordFor(power);
    return {{"nodes", nodes}};
  }

  ProtocolJson down(const KnownCluster& cluster) {
    backend_.down(cluster);
    owned_.erase(cluster.plan.name);
    std::erase_if(touched_, [&](const auto& each) {
      return each.second.first.plan.name == cluster.plan.name;
    });
    return ProtocolJson::object();
  }

  ProtocolJson order(const std::string& verb, const KnownCluster& cluster,
                     const std::string& node) {
    BackendMachines* machines = backend_.machines();
    if (machines == nullptr) throw ProvisionError("this kind cannot do \"" + verb + "\"");
    auto key = std::pair(cluster.plan.name, node);
    if (verb == "freeze") {
      machines->freeze(cluster, node);
      touched_[key] = {cluster, "thaw"};
    } else if (verb == "power_off") {
      machines->powerOff(cluster, node);
      touched_[key] = {cluster, "power_on"};
    } else if (verb == "thaw") {
      machines->thaw(cluster, node);
      touched_.erase(key);
    } else if (verb == "power_on") {
      bool wasOn = machines->powerOn(cluster, node) == PowerBefore::kOn;
      touched_.erase(key);
      return {{"was_on", wasOn}};
    } else {
      throw ProvisionError("a request \"" + verb + "\" is not known");
    }
    return ProtocolJson::object();
  }

  // What nobody can ask for any more.
  void undo() {
    for (const auto& [name, cluster] : owned_) {
      try {
        backend_.down(cluster);
        removeTree(cluster.directory);
      } catch (const std::exception& error) {
        std::cerr << "cluster " << name << " stays: " << error.what() << "\n";
      }
    }
    for (const auto& [key, action] : touched_) {
      const auto& [cluster, verb] = action;
      if (owned_.contains(key.first)) continue;
      try {
        if (verb == "thaw") backend_.machines()->thaw(cluster, key.second);
        if (verb == "power_on") backend_.machines()->powerOn(cluster, key.second);
      } catch (const std::exception& error) {
        std::cerr << "node " << key.second << ": " << verb << ": " << error.what() << "\n";
      }
    }
  }

  Backend& backend_;
  Answers answers_;
  Requests requests_;
  std::map<std::string, KnownCluster> owned_;
  // By cluster and node: what undoes the last change of a machine.
  std::map<std::pair<std::string, std::string>, std::pair<KnownCluster, std::string>> touched_;
};

void printKeys(const char* title, const std::vector<Key>& keys) {
  std::cout << title << "\n";
  for (const Key& key : keys) {
    std::cout << "  " << key.name << (key.presence == Key::Presence::kRequired ? " (required)" : "")
              << (key.example.empty() ? "" : ", such as " + key.example) << "\n";
  }
}

}  // namespace

int serveBackend(Backend& backend, int argc, char** argv) {
  std::string option = argc == 2 ? argv[1] : "";
  KindKeys keys = backend.keys();
  if (option == "--version") {
    std::cout << kProgramPrefix << keys.name << " " << support::kVersion << "\n";
    return 0;
  }
  if (option == "--describe") {
    std::cout << "kind " << keys.name << ", provisioner protocol " << kProtocolVersion << "\n";
    printKeys("keys of the file:", keys.clusterKeys);
    printKeys("keys of a node set:", keys.nodeKeys);
    return 0;
  }
  if (argc > 1 || ::isatty(STDIN_FILENO) != 0) {
    std::cerr << kProgramPrefix << keys.name
              << ": muster starts this program, and speaks with it on standard input and output; "
                 "for people there are --version and --describe\n";
    return 64;
  }
  ::signal(SIGPIPE, SIG_IGN);
  Server(backend).run();
  return 0;
}

}  // namespace harness
