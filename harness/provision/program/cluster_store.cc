#include "harness/provision/program/cluster_store.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/provision/error.h"

namespace harness {
namespace {

constexpr int kRecordVersion = 1;
constexpr size_t kClusterNameMax = 32;
// A directory that is not a cluster's yet, or not any more; a pid and a number follow.
constexpr char kUnfinished[] = ".unfinished-";
// A file for each kind that the store has had a cluster of; the kind's word follows.
constexpr char kHadKind[] = "/.had-";
constexpr char kRecordFile[] = "/cluster.json";
constexpr char kStatesFile[] = "/states.jsonl";
constexpr char kOwnerFile[] = "/owner";
constexpr size_t kOwnerDigits = 12;

std::string homeDirectory() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  const passwd* user = ::getpwuid(::getuid());
  return user == nullptr || user->pw_dir == nullptr ? "/" : user->pw_dir;
}

std::string userDirectory() {
  if (const char* chosen = std::getenv("MUSTER_STATE_DIR"); chosen != nullptr && *chosen != '\0') {
    return std::string(chosen) + "/clusters";
  }
  const char* state = std::getenv("XDG_STATE_HOME");
  bool isSet = state != nullptr && *state == '/';
  return (isSet ? std::string(state) : homeDirectory() + "/.local/state") + "/muster/clusters";
}

bool isClusterName(const std::string& name) {
  bool isPlain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  return isPlain && !name.empty() && name.size() <= kClusterNameMax && name.front() != '-' &&
         name.front() != '.';
}

std::string unfinishedName() {
  static std::atomic<int> count{0};
  return kUnfinished + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

// Says whether a process that was killed has left the directory.
bool isAbandoned(const std::string& name) {
  if (!name.starts_with(kUnfinished)) return false;
  std::string pid = name.substr(std::string(kUnfinished).size());
  return ::access(("/proc/" + pid.substr(0, pid.find('-'))).c_str(), F_OK) != 0;
}

// Makes what was written survive a cut of power.
void flush(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) failSystem("open " + path);
  check(::fsync(fd.get()), "fsync " + path);
}

ProtocolJson toJson(const ClusterRecord& record) {
  return {{"version", kRecordVersion},
          {"name", record.name},
          {"kind", record.kind},
          {"tenure", wordFor(record.tenure)},
          {"is_up", record.phase == ClusterRecord::Phase::kUp},
          {"maker", record.maker.text()},
          {"program", record.program.text()},
          {"plan", record.plan},
          {"wishes", record.wishes},
          {"kept", record.kept},
          {"description", record.description}};
}

ClusterRecord recordFromJson(const ProtocolJson& json) {
  int version = json.at("version").get<int>();
  if (version != kRecordVersion) {
    throw std::invalid_argument("it has version " + std::to_string(version) +
                                ", and this Muster reads version " +
                                std::to_string(kRecordVersion));
  }
  ClusterRecord record;
  record.name = json.at("name").get<std::string>();
  record.kind = json.at("kind").get<std::string>();
  record.tenure = tenureOf(json.at("tenure").get<std::string>());
  record.phase =
      json.at("is_up").get<bool>() ? ClusterRecord::Phase::kUp : ClusterRecord::Phase::kBeingMade;
  record.maker = ProcessMark::parse(json.at("maker").get<std::string>()).value_or(ProcessMark());
  record.program =
      ProcessMark::parse(json.at("program").get<std::string>()).value_or(ProcessMark());
  record.plan = json.at("plan");
  record.wishes = json.at("wishes");
  record.kept = json.at("kept");
  record.description = json.at("description");
  return record;
}

void writeRecord(const std::string& directory, const ClusterRecord& record) {
  std::string path = directory + kRecordFile;
  putFile(path, toJson(record).dump(1) + "\n", 0600);
  flush(path);
}

}  // namespace

ClusterEntry::Life lifeOf(const ClusterRecord& record) {
  using Life = ClusterEntry::Life;
  if (record.phase == ClusterRecord::Phase::kUp && record.tenure == Tenure::kStanding) {
    return Life::kRunning;
  }
  // A home directory may be that of several machines.
  if (record.maker.host != ProcessMark::own().host) return Life::kHidden;
  return record.maker.runsHere() || record.program.runsHere() ? Life::kRunning : Life::kLeftover;
}

ClusterStore::ClusterStore() : ClusterStore(userDirectory()) {}

std::string ClusterStore::owner() const {
  std::string path = directory_ + kOwnerFile;
  std::string known = readIfPresent(path);
  if (!known.empty()) return known;
  makeDirectories(directory_, 0700);
  std::string digits = randomUuid();
  std::erase(digits, '-');
  std::string made = path + "." + std::to_string(::getpid());
  putFile(made, ProcessMark::own().host + "-" + digits.substr(0, kOwnerDigits), 0600);
  // Another process may have been faster.
  if (::link(made.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    int number = errno;
    ::unlink(made.c_str());
    errno = number;
    failSystem("link " + path);
  }
  ::unlink(made.c_str());
  return readFile(path);
}

std::string ClusterStore::tlsDirectory(const std::string& cluster) const {
  return directoryOf(cluster) + "/tls";
}

bool ClusterStore::add(const ClusterRecord& record, const std::vector<AgentFile>& files) {
  if (!isClusterName(record.name)) {
    throw ProvisionError("cluster name \"" + record.name +
                         "\" is not at most 32 letters, digits, '-', '_' and '.'");
  }
  makeDirectories(directory_, 0700);
  for (const std::string& name : namesIn(directory_)) {
    if (isAbandoned(name)) removeTree(directory_ + "/" + name);
  }
  if (!hasHad(record.kind)) putFile(directory_ + kHadKind + record.kind, "", 0600);
  std::string made = directory_ + "/" + unfinishedName();
  makeDirectories(made, 0700);
  makeDirectories(made + "/tls", 0700);
  // The controller's files name their place in the cluster's directory.
  std::string place = directoryOf(record.name);
  for (const AgentFile& file : files) {
    putFile(made + file.path.substr(place.size()), file.content, file.mode);
  }
  writeRecord(made, record);
  if (::rename(made.c_str(), place.c_str()) == 0) {
    flush(directory_);
    return true;
  }
  int number = errno;
  removeTree(made);
  if (number == EEXIST || number == ENOTEMPTY) return false;
  errno = number;
  failSystem("make " + place);
}

bool ClusterStore::hasHad(const std::string& kind) const {
  return ::access((directory_ + kHadKind + kind).c_str(), F_OK) == 0;
}

void ClusterStore::put(const ClusterRecord& record) {
  writeRecord(directoryOf(record.name), record);
}

std::optional<ClusterRecord> ClusterStore::find(const std::string& cluster) const {
  if (!isClusterName(cluster)) return std::nullopt;
  std::string path = directoryOf(cluster) + kRecordFile;
  std::string text = readIfPresent(path);
  if (text.empty()) return std::nullopt;
  try {
    return recordFromJson(ProtocolJson::parse(text));
  } catch (const std::exception& error) {
    throw ProvisionError(path + " cannot be read: " + error.what());
  }
}

std::vector<std::string> ClusterStore::names() const {
  std::vector<std::string> names;
  for (const std::string& name : namesIn(directory_)) {
    bool isThere =
        isClusterName(name) && ::access((directoryOf(name) + kRecordFile).c_str(), F_OK) == 0;
    if (isThere) names.push_back(name);
  }
  return names;
}

void ClusterStore::remove(const std::string& cluster) {
  if (!isClusterName(cluster)) return;
  std::string removed = directory_ + "/" + unfinishedName();
  if (::rename(directoryOf(cluster).c_str(), removed.c_str()) != 0) {
    if (errno == ENOENT) return;
    failSystem("remove " + directoryOf(cluster));
  }
  removeTree(removed);
}

void ClusterStore::addState(const std::string& cluster, const NodeEvent& event) {
  std::string path = directoryOf(cluster) + kStatesFile;
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) failSystem("open " + path);
  auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch());
  ProtocolJson line = {{"time", milliseconds.count()},
                       {"node", event.node},
                       {"state", event.state},
                       {"detail", event.detail}};
  writeAll(fd.get(), line.dump(-1, ' ', false, ProtocolJson::error_handler_t::replace) + "\n",
           path);
}

std::vector<NodeEvent> ClusterStore::states(const std::string& cluster) const {
  if (!isClusterName(cluster)) return {};
  std::vector<NodeEvent> events;
  std::istringstream lines(readIfPresent(directoryOf(cluster) + kStatesFile));
  for (std::string line; std::getline(lines, line);) {
    ProtocolJson json = ProtocolJson::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    NodeEvent event;
    event.time = std::chrono::system_clock::time_point(
        std::chrono::milliseconds(json.value("time", int64_t{0})));
    event.node = json.value("node", "");
    event.state = json.value("state", "");
    event.detail = json.value("detail", "");
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace harness
