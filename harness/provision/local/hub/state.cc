#include "harness/provision/local/hub/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "harness/os/files.h"
#include "harness/os/process.h"
#include "harness/provision/local/hub/cgroup.h"
#include "harness/provision/local/hub/error.h"
#include "harness/provision/local/hub/spec.h"

namespace harness {
namespace {

constexpr char kRunRoot[] = "/run/muster";
constexpr char kDataRoot[] = "/var/lib/muster";

// A file in the data directory. Without it, nothing there is ours.
constexpr char kTag[] = ".muster-cluster";
constexpr size_t kClusterNameMax = 32;
constexpr std::chrono::seconds kEndTime{10};

// Kills one recorded process if it is still the one that was recorded, and waits for its end.
void endProcess(pid_t pid, uint64_t startTime, Deadline deadline) {
  if (killProcess(pid, startTime, deadline)) return;
  throw HubError("process " + std::to_string(pid) + " does not end after SIGKILL");
}

std::optional<HubProcess> readProcess(const std::string& path) {
  std::istringstream fields(readIfPresent(path));
  HubProcess process;
  if (!(fields >> process.pid >> process.startTime)) return std::nullopt;
  return process;
}

void removeIfEmpty(const std::string& directory) {
  if (::rmdir(directory.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EBUSY) {
    failSystem("remove " + directory);
  }
}

bool isTagged(const ClusterPaths& paths) {
  return ::access((paths.data + "/" + kTag).c_str(), F_OK) == 0;
}

Fd handleOf(const std::string& directory) {
  Fd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) failSystem("open " + directory);
  return fd;
}

}  // namespace

ClusterPaths::ClusterPaths(const std::string& name)
    : cluster(name),
      run(runDirectoryOf(name)),
      data(std::string(kDataRoot) + "/" + name),
      control(run + "/control.sock") {
  std::string root = cgroupRoot();
  if (!root.empty()) groups = root + "/muster/" + name;
}

std::string ClusterPaths::group(const std::string& name) const {
  return groups.empty() ? "" : groups + "/" + name;
}

ClusterDirectories::ClusterDirectories(const std::string& cluster)
    : paths_(cluster), run_(handleOf(paths_.run)), data_(handleOf(paths_.data)) {}

// A directory that cannot be looked at, for another reason than its absence, counts as there.
ClusterDirectories::State ClusterDirectories::stateOf(const Fd& directory,
                                                      const std::string& path) {
  struct stat held {};
  struct stat named {};
  if (::stat(path.c_str(), &named) != 0) return errno == ENOENT ? State::kGone : State::kThere;
  if (::fstat(directory.get(), &held) != 0) return State::kThere;
  bool same = held.st_ino == named.st_ino && held.st_dev == named.st_dev;
  return same ? State::kThere : State::kAnothers;
}

bool ClusterDirectories::areThere() const {
  return stateOf(run_, paths_.run) == State::kThere && stateOf(data_, paths_.data) == State::kThere;
}

// Our lock does not guard another directory of the name, so that its own lock is asked there.
void ClusterDirectories::remove() const {
  bool locked = stateOf(run_, paths_.run) == State::kThere;
  if (stateOf(data_, paths_.data) == State::kAnothers) {
    if (locked) removeTree(paths_.run);
  } else if (locked) {
    removeEverything(paths_.cluster);
  } else {
    collectCluster(paths_.cluster);
  }
}

// Locks the directory itself, whose lock the kernel drops with its holder however that ends.
// Removing a cluster removes the directory, so that it may vanish between two steps here; then the
// loop makes it again.
std::optional<ClusterLock> ClusterLock::tryTake(const std::string& cluster) {
  if (!isPlainClusterName(cluster)) throw HubError("\"" + cluster + "\" is not a cluster's name");
  ClusterPaths paths(cluster);
  while (true) {
    makeDirectories(paths.run, 0700);
    Fd fd(::open(paths.run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd && errno == ENOENT) continue;
    if (!fd) failSystem("open " + paths.run);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      failSystem("lock " + paths.run);
    }
    // The holder before us may have removed the directory, and then the lock guards nothing.
    struct stat held {};
    struct stat named {};
    check(::fstat(fd.get(), &held), "stat " + paths.run);
    if (::stat(paths.run.c_str(), &named) == 0 && named.st_ino == held.st_ino &&
        named.st_dev == held.st_dev) {
      return ClusterLock(std::move(fd));
    }
  }
}

std::vector<std::string> clustersPresent() {
  std::set<std::string> names;
  for (const std::string& name : namesIn(kRunRoot)) {
    std::error_code error;
    // On a local node, its own agent has files there.
    bool isDirectory = std::filesystem::is_directory(runDirectoryOf(name), error);
    if (isDirectory && isPlainClusterName(name)) names.insert(name);
  }
  for (const std::string& name : namesIn(kDataRoot)) {
    if (isPlainClusterName(name) && isTagged(ClusterPaths(name))) names.insert(name);
  }
  return {names.begin(), names.end()};
}

bool isPlainClusterName(const std::string& name) {
  return isPlainName(name, kClusterNameMax);
}

std::string runDirectoryOf(const std::string& cluster) {
  return std::string(kRunRoot) + "/" + cluster;
}

// Tries a shared lock, which fails only while a hub has its own and is given back at once.
HubLife hubLife(const std::string& cluster) {
  Fd fd(::open(runDirectoryOf(cluster).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno == EACCES ? HubLife::kHidden : HubLife::kGone;
  bool held = ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return held ? HubLife::kLives : HubLife::kGone;
}

bool hubLives(const std::string& cluster) {
  return hubLife(cluster) == HubLife::kLives;
}

std::optional<HubProcess> hubProcessOf(const std::string& cluster) {
  return readProcess(ClusterPaths(cluster).run + "/hub.pid");
}

// Writes the list of what will be made before any of it exists, so that a hub that is killed at any
// point leaves a directory by which the rest is found. The tag marks the data directory as ours.
void writeIntent(const std::string& cluster, const std::vector<std::string>& nodes) {
  ClusterPaths paths(cluster);
  nlohmann::json intent = {
      {"cluster", cluster}, {"nodes", nodes}, {"data", paths.data}, {"groups", paths.groups}};
  putFile(paths.run + "/intent.json", intent.dump() + "\n", 0600);
  makeDirectories(paths.data, 0700);
  putFile(paths.data + "/" + kTag, cluster + "\n", 0600);
  makeDirectories(paths.disks(), 0700);
  makeDirectories(paths.run + "/n", 0700);
  makeDirectories(paths.run + "/pid", 0700);
}

void recordHub(const std::string& cluster) {
  putFile(ClusterPaths(cluster).run + "/hub.pid",
          std::to_string(::getpid()) + " " + std::to_string(startTimeOf(::getpid())) + "\n", 0600);
}

// The start time makes the pid name this process for ever: a later one of the same pid is not
// killed.
void recordNode(const std::string& cluster, const std::string& node, pid_t pid) {
  putFile(ClusterPaths(cluster).run + "/pid/" + node,
          std::to_string(pid) + " " + std::to_string(startTimeOf(pid)) + "\n", 0600);
}

// Removes processes first, then data, and the locked directory last, so that an interrupted removal
// finds its traces and is taken up again.
void removeEverything(const std::string& cluster) {
  ClusterPaths paths(cluster);
  Deadline deadline = after(kEndTime);
  for (const std::string& node : namesIn(paths.run + "/pid")) {
    if (auto process = readProcess(paths.run + "/pid/" + node)) {
      endProcess(process->pid, process->startTime, deadline);
    }
  }
  if (!paths.groups.empty()) {
    Cgroup(paths.groups).removeWithProcesses(deadline);
    removeIfEmpty(cgroupRoot() + "/muster");
  }
  if (isTagged(paths)) {
    // The tag goes last: a removal that is interrupted can be taken up again.
    for (const std::string& name : namesIn(paths.data)) {
      if (name != kTag) removeTree(paths.data + "/" + name);
    }
    removeTree(paths.data);
    removeIfEmpty(kDataRoot);
  } else {
    // The directory may have been made and not yet tagged. Anything else there is not ours.
    ::rmdir(paths.data.c_str());
  }
  removeTree(paths.run);
  removeIfEmpty(kRunRoot);
}

bool dataIsForeign(const std::string& cluster) {
  ClusterPaths paths(cluster);
  struct stat status {};
  if (::lstat(paths.data.c_str(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) return true;
  return !isTagged(paths) && !namesIn(paths.data).empty();
}

bool collectCluster(const std::string& cluster) {
  if (hubLives(cluster)) return false;
  std::optional<ClusterLock> lock = ClusterLock::tryTake(cluster);
  if (!lock) return false;
  removeEverything(cluster);
  return true;
}

}  // namespace harness
