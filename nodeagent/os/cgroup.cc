#include "nodeagent/os/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include <kj/debug.h>

#include "nodeagent/os/mount_table.h"
#include "nodeagent/os/read_file.h"

namespace nodeagent {
namespace {

constexpr size_t kSparesMax = 64;
constexpr int kClaimTries = 50;
// The tries are 10 ms apart.
constexpr int kLeftoverTries = 200;
// A pid has 7 digits at most, so that about 500 fit.
constexpr size_t kFewProcessesBytes = 4096;
// Bounds the groups that one call of take() tries to remove.
constexpr size_t kRemovalsAtOnceMax = 32;

int writeAt(int directory, kj::StringPtr file, kj::StringPtr value) {
  kj::AutoCloseFd fd(openat(directory, file.cStr(), O_WRONLY | O_CLOEXEC));
  if (fd.get() < 0) return errno;
  return ::write(fd, value.begin(), value.size()) < 0 ? errno : 0;
}

kj::AutoCloseFd openDirectory(int at, kj::StringPtr name) {
  return kj::AutoCloseFd(openat(at, name.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// Returns the names of the directories in this one, `most` at most.
kj::Vector<kj::String> subdirectories(int at, size_t most = SIZE_MAX) {
  kj::Vector<kj::String> names;
  // Reading moves a descriptor's position, so it gets one of its own.
  int again = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = again < 0 ? nullptr : fdopendir(again);
  if (directory == nullptr) return names;
  KJ_DEFER(closedir(directory));
  while (dirent* entry = names.size() < most ? readdir(directory) : nullptr) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.add(kj::str(entry->d_name));
  }
  return names;
}

bool isRemovedAt(int at, kj::StringPtr name) {
  return unlinkat(at, name.cStr(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

// Removes a group and those nested in it. A group's directory is removed by rmdir of itself alone,
// its files notwithstanding, but only after the groups in it. One descriptor serves any depth: it
// goes down to a group without others, and back up by "..". It gives up at the first group that
// cannot be removed.
bool removeTree(kj::StringPtr path) {
  if (isRemovedAt(AT_FDCWD, path)) return true;
  auto at = openDirectory(AT_FDCWD, path);
  kj::Vector<kj::String> trail;
  while (at.get() >= 0) {
    auto below = subdirectories(at, 1);
    if (!below.empty()) {
      if (isRemovedAt(at, below[0])) continue;
      at = openDirectory(at, below[0]);
      trail.add(kj::mv(below[0]));
    } else if (!trail.empty()) {
      at = openDirectory(at, "..");
      if (!isRemovedAt(at, trail.back())) return false;
      trail.removeLast();
    } else {
      return isRemovedAt(AT_FDCWD, path);
    }
  }
  return false;
}

void parsePids(kj::StringPtr text, kj::Vector<pid_t>& pids) {
  const char* position = text.cStr();
  while (*position != '\0') {
    char* end = nullptr;
    long pid = strtol(position, &end, 10);
    if (end == position) break;
    if (pid > 0)
      pids.add(static_cast<pid_t>(pid));  // 0 stands for a process of another PID namespace.
    position = *end == '\n' ? end + 1 : end;
  }
}

void addProcessesOf(int directory, kj::Vector<pid_t>& pids) {
  kj::AutoCloseFd fd(openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC));
  if (fd.get() >= 0) parsePids(readAll(fd), pids);
}

// A directory has one link per directory in it and two of its own.
bool hasNested(int directory) {
  struct stat status {};
  return fstat(directory, &status) == 0 && status.st_nlink > 2;
}

void kill(int directory) {
  if (writeAt(directory, "cgroup.kill", "1") == 0) return;
  writeAt(directory, "cgroup.freeze", "1");
}

bool isPopulatedFd(int eventsFd) {
  char text[64];
  ssize_t count;
  do {
    count = pread(eventsFd, text, sizeof(text) - 1, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno != ENODEV;  // A group that is gone has no process.
  text[count] = '\0';
  return strstr(text, "populated 0") == nullptr;
}

}  // namespace

// Like removeTree, it holds one descriptor, and the names that are still to be visited.
kj::Vector<pid_t> processesBelow(int directory) {
  kj::Vector<pid_t> pids;
  addProcessesOf(directory, pids);
  if (!hasNested(directory)) return pids;
  auto at = openDirectory(directory, ".");
  kj::Vector<kj::Vector<kj::String>> open;
  open.add(subdirectories(at));
  while (!open.empty() && at.get() >= 0) {
    auto& names = open.back();
    if (names.empty()) {
      open.removeLast();
      at = openDirectory(at, "..");
      continue;
    }
    auto below = openDirectory(at, names.back());
    names.removeLast();
    if (below.get() < 0) continue;  // It is gone.
    at = kj::mv(below);
    addProcessesOf(at, pids);
    open.add(subdirectories(at));
  }
  return pids;
}

// The kernel's kill of a group passes over a process whose first thread has ended, so all that are
// left are killed one by one as well. Frozen processes, on a kernel that cannot kill a group,
// cannot fork meanwhile.
void killGroup(int directory) {
  kill(directory);
  for (pid_t pid : processesBelow(directory)) ::kill(pid, SIGKILL);
  writeAt(directory, "cgroup.freeze", "0");
}

void removeGroups(kj::ArrayPtr<const kj::String> paths) {
  for (auto& path : paths) removeTree(path);
}

Cgroup::Cgroup(CgroupTree& tree, kj::String path, kj::AutoCloseFd directory, kj::AutoCloseFd events)
    : tree_(tree), path_(kj::mv(path)), directory_(kj::mv(directory)), events_(kj::mv(events)) {}

Cgroup::~Cgroup() noexcept(false) {
  tree_.recycle(*this);
}

bool Cgroup::isPopulated() const {
  return isPopulatedFd(events_);
}

kj::Maybe<kj::Vector<pid_t>> Cgroup::fewProcesses() const {
  if (hasNested(directory_)) return nullptr;
  kj::AutoCloseFd fd(openat(directory_, "cgroup.procs", O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return nullptr;
  auto text = readAll(fd, kFewProcessesBytes);
  if (text.size() >= kFewProcessesBytes) return nullptr;
  kj::Vector<pid_t> pids;
  parsePids(text, pids);
  return kj::mv(pids);
}

void Cgroup::killAll() const {
  spent_ = true;
  kill(directory_);
}

int Cgroup::write(kj::StringPtr file, kj::StringPtr value) const {
  spent_ = true;
  return writeAt(directory_, file, value);
}

kj::Maybe<uint64_t> Cgroup::memoryKills() const {
  if (!tree_.limitsMemory()) return nullptr;
  kj::AutoCloseFd events(openat(directory_, "memory.events", O_RDONLY | O_CLOEXEC));
  if (events.get() < 0) return nullptr;
  // The count never goes back to 0, so the group cannot tell a later job's kills from these.
  auto count = parseMemoryKills(readAll(events));
  if (count.orDefault(0) > 0) spent_ = true;
  return count;
}

kj::Maybe<uint64_t> parseMemoryKills(kj::StringPtr events) {
  std::istringstream lines(events.cStr());
  uint64_t count = 0;
  for (std::string name; lines >> name >> count;) {
    if (name == "oom_kill") return count;
  }
  return nullptr;
}

CgroupTree::CgroupTree(kj::String directory, kj::String parent)
    : directory_(kj::mv(directory)), parent_(kj::mv(parent)) {}

CgroupTree::~CgroupTree() noexcept(false) {
  removeLingering();
  for (auto& spare : spares_) removeTree(spare.path);
  // Both fail where something else is in them, which is not ours to remove.
  rmdir(directory_.cStr());
  rmdir(parent_.cStr());
}

kj::Own<Cgroup> CgroupTree::take() {
  while (!spares_.empty()) {
    auto spare = kj::mv(spares_.back());
    spares_.removeLast();
    char byte;
    if (pread(spare.events, &byte, 1, 0) < 0) continue;  // Somebody else removed it.
    return kj::heap<Cgroup>(*this, kj::mv(spare.path), kj::mv(spare.directory),
                            kj::mv(spare.events));
  }
  removeSomeLingering();
  kj::String path;
  do {
    // A number is taken while a group of an earlier keeper lingers.
    path = kj::str(directory_, "/job-", nextNumber_++);
  } while (mkdir(path.cStr(), 0755) < 0 && errno == EEXIST);
  int directory;
  int events;
  KJ_SYSCALL(directory = ::open(path.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
  kj::AutoCloseFd directoryFd(directory);
  KJ_SYSCALL(events = openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC), path);
  return kj::heap<Cgroup>(*this, kj::mv(path), kj::mv(directoryFd), kj::AutoCloseFd(events));
}

// A group that has others below it is not recycled, whether or not those are empty.
void CgroupTree::recycle(Cgroup& group) {
  bool isEmpty = !group.isPopulated();
  if (!isEmpty) {
    group.spent_ = true;
    killGroup(group.directory_);
  }
  if (isEmpty && !group.spent_ && !hasNested(group.directory_) && spares_.size() < kSparesMax) {
    spares_.add(Spare{kj::mv(group.path_), kj::mv(group.directory_), kj::mv(group.events_)});
    return;
  }
  if (!isRemovedAt(AT_FDCWD, group.path_)) lingering_.add(kj::mv(group.path_));
}

// Tries the groups that have waited for the longest time. Those that cannot be removed go to the
// end.
void CgroupTree::removeSomeLingering() {
  if (lingering_.empty()) return;
  size_t tries = kj::min(lingering_.size(), kRemovalsAtOnceMax);
  kj::Vector<kj::String> left;
  for (size_t i = tries; i < lingering_.size(); ++i) left.add(kj::mv(lingering_[i]));
  for (size_t i = 0; i < tries; ++i) {
    if (!isRemovedAt(AT_FDCWD, lingering_[i])) left.add(kj::mv(lingering_[i]));
  }
  lingering_ = kj::mv(left);
}

void CgroupTree::removeLingering() {
  kj::Vector<kj::String> left;
  for (auto& path : lingering_) {
    if (!removeTree(path)) left.add(kj::mv(path));
  }
  lingering_ = kj::mv(left);
}

void CgroupTree::killLeftovers() {
  auto own = openDirectory(AT_FDCWD, directory_);
  for (auto& name : subdirectories(own)) {
    auto directory = openDirectory(own, name);
    if (directory.get() < 0) continue;
    killGroup(directory);
    lingering_.add(kj::str(directory_, "/", name));
  }
  for (int tries = 0; tries < kLeftoverTries; ++tries) {
    removeLingering();
    if (lingering_.empty()) return;
    timespec pause{0, 10'000'000};
    nanosleep(&pause, nullptr);
  }
}

// Makes the directory and locks it, so that no other keeper takes it for abandoned. It tries again
// if another keeper removed it in between, or holds the lock for a moment because it is about to: a
// directory without our lock would not stay. A keeper of this name that is on its way out keeps the
// lock longer; then both share the directory.
bool CgroupTree::claim() {
  for (int tries = 0; tries < kClaimTries; ++tries) {
    mkdir(parent_.cStr(), 0755);
    mkdir(directory_.cStr(), 0755);
    claim_ = kj::AutoCloseFd(::open(directory_.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (claim_.get() < 0) continue;
    bool isLocked = flock(claim_, LOCK_EX | LOCK_NB) == 0;
    struct stat held {
    }, named{};
    // The lock may be on a directory that was removed meanwhile, so its name must still lead to it.
    bool isThere = fstat(claim_, &held) == 0 && stat(directory_.cStr(), &named) == 0 &&
                   held.st_ino == named.st_ino;
    if (isThere && (isLocked || tries + 1 == kClaimTries)) return true;
    timespec pause{0, 2'000'000};
    nanosleep(&pause, nullptr);
  }
  return false;
}

// Removes directories of keepers that were killed and never came back; nobody holds their lock.
// Those with processes are left to their own successor.
void CgroupTree::removeAbandoned() {
  for (auto& name : subdirectories(openDirectory(AT_FDCWD, parent_))) {
    auto path = kj::str(parent_, "/", name);
    if (path == directory_) continue;
    kj::AutoCloseFd fd(::open(path.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) continue;
    removeTree(path);
  }
}

void CgroupTree::enableControllers() {
  // Controllers are enabled from the top down. The kernel refuses where the group above holds
  // processes itself; jobs have no limits of their own then.
  auto base = kj::str(parent_.slice(0, KJ_ASSERT_NONNULL(parent_.findLast('/'))));
  for (kj::StringPtr path : {base.asPtr(), parent_.asPtr(), directory_.asPtr()}) {
    kj::AutoCloseFd fd(::open(path.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return;
    writeAt(fd, "cgroup.subtree_control", "+memory");
    writeAt(fd, "cgroup.subtree_control", "+pids");
  }
  std::istringstream words(readFile(kj::str(directory_, "/cgroup.subtree_control")).cStr());
  for (std::string word; words >> word;) {
    if (word == "memory") limitsMemory_ = true;
    if (word == "pids") limitsProcesses_ = true;
  }
}

kj::Maybe<kj::Own<CgroupTree>> CgroupTree::openBelow(kj::StringPtr base, kj::StringPtr name) {
  auto parent = kj::str(base, "/nodeagent");
  auto directory = kj::str(parent, "/", name);
  auto tree = kj::heap<CgroupTree>(kj::mv(directory), kj::mv(parent));
  if (!tree->claim()) return nullptr;
  tree->removeAbandoned();
  tree->killLeftovers();
  tree->enableControllers();
  // A group is tried before one is needed; the probe becomes the first spare.
  auto failure = kj::runCatchingExceptions([&]() { tree->take(); });
  if (failure != nullptr || access(kj::str(tree->directory_, "/cgroup.procs").cStr(), F_OK) != 0)
    return nullptr;
  return kj::mv(tree);
}

kj::Maybe<kj::Own<CgroupTree>> CgroupTree::open(kj::StringPtr name) {
  for (auto& base :
       cgroupCandidates(readFile("/proc/self/mountinfo"), readFile("/proc/self/cgroup"))) {
    auto tree = openBelow(base, name);
    if (tree != nullptr) return tree;
  }
  return nullptr;
}

kj::Vector<kj::String> cgroupCandidates(kj::StringPtr mountinfo, kj::StringPtr ownGroups) {
  std::string own;
  std::istringstream groups(ownGroups.cStr());
  for (std::string line; std::getline(groups, line);) {
    if (line.rfind("0::", 0) == 0) own = line.substr(3);
  }
  kj::Vector<kj::String> candidates;
  for (const MountLine& mount : mountLines(mountinfo)) {
    if (mount.type != "cgroup2") continue;
    // Our own group as seen from this mount comes first, unless it lies outside of it.
    std::string below = own;
    if (mount.root != "/" && below.rfind(mount.root, 0) == 0) {
      below = below.substr(mount.root.size());
    }
    if (!below.empty() && below != "/" && below.find("..") == std::string::npos) {
      candidates.add(kj::str(mount.target.c_str(), below.c_str()));
    }
    candidates.add(kj::str(mount.target.c_str()));
  }
  return candidates;
}

}  // namespace nodeagent
