#include "nodeagent/os/process_set.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <map>
#include <set>

#include <kj/debug.h>
#include <kj/function.h>

#include "nodeagent/os/process.h"
#include "nodeagent/os/read_file.h"

namespace nodeagent {
namespace {

// Bounds the wait in case a notification is missed.
constexpr auto kRecheck = 1 * kj::SECONDS;
constexpr auto kPollFirst = 10 * kj::MILLISECONDS;
constexpr auto kPollLast = 500 * kj::MILLISECONDS;
constexpr auto kOrphanSweep = 2 * kj::SECONDS;
// Bounds the rounds, because a fork bomb is faster than any number of them. Each is a scan of
// /proc.
constexpr int kKillRounds = 20;

constexpr int kGoneLooks = 200;
constexpr long kGonePauseNs = 10'000'000;

constexpr const char* kMarkerName = "NODEAGENT_JOB=";

std::set<pid_t> markedOf(const kj::Vector<ProcessInfo>& all, kj::StringPtr marker) {
  kj::Vector<pid_t> pids(all.size());
  for (auto& info : all) pids.add(info.pid);
  return allStartedWith(pids, marker);
}

// Returns `seeds`, all marked processes, and their descendants, in order of pid. The result holds
// neither ourselves nor zombies.
kj::Vector<pid_t> familyOf(kj::ArrayPtr<const pid_t> seeds, kj::StringPtr marker) {
  auto all = listProcesses();
  auto found = markedOf(all, marker);
  found.insert(seeds.begin(), seeds.end());
  found.erase(getpid());
  // There are two passes, because a child has a lower pid than its parent once pids have wrapped.
  for (int pass = 0; pass < 2; ++pass) {
    for (auto& info : all) {
      if (info.pid != getpid() && found.count(info.parent) > 0) found.insert(info.pid);
    }
  }
  kj::Vector<pid_t> family;
  for (auto& info : all) {
    if (found.count(info.pid) > 0 && !info.hasEnded) family.add(info.pid);
  }
  return family;
}

// Kills the family of `members`, whose own members `killMembers` kills.
//
// Descendants elsewhere are looked for before the members die, because they lose their parents
// then. Each round stops the strays found, so that none forks meanwhile, looks for their
// descendants, and kills them. It ends with a look that finds none that was not killed before.
void killFamily(kj::ArrayPtr<const pid_t> members, kj::StringPtr marker,
                kj::Function<void()> killMembers) {
  std::set<pid_t> killed(members.begin(), members.end());
  auto family = familyOf(members, marker);
  killMembers();
  for (int round = 0; round < kKillRounds; ++round) {
    kj::Vector<pid_t> strays;
    for (pid_t pid : family) {
      if (killed.insert(pid).second) strays.add(pid);
    }
    if (strays.empty()) return;
    for (pid_t pid : strays) kill(pid, SIGSTOP);  // None may fork while the others are killed.
    family = familyOf(strays, marker);
    for (pid_t pid : strays) kill(pid, SIGKILL);
  }
}

class CgroupSet final : public ProcessSet {
 public:
  CgroupSet(kj::Own<Cgroup> group, kj::String marker, MemoryKills& kills, kj::UnixEventPort& port,
            kj::Timer& timer)
      : group_(kj::mv(group)), marker_(kj::mv(marker)), kills_(kills), port_(port), timer_(timer) {}

  int cgroupFd() const override { return group_->directoryFd(); }
  kj::StringPtr marker() const override { return marker_; }
  void begin(pid_t) override {}
  kj::Vector<pid_t> list() override { return group_->processes(); }
  void signalAll(int signal) override { group_->signalAll(signal); }
  void killAll() override;
  kj::Promise<void> whenEmpty() override;
  // The group counts the kills among all of its processes, and the log names one. A count of 0 is
  // certain. Above it, the log decides whether it was this process, and if the log cannot be read,
  // the group's count stands.
  MemoryKill memoryKill(pid_t pid, int64_t sinceMonotonicNs) override {
    auto counted = group_->memoryKills();
    KJ_IF_MAYBE (count, counted) {
      if (*count == 0) return MemoryKill::kNo;
    }
    auto logged = kills_.of(pid, sinceMonotonicNs);
    bool isSurelyOne = logged == MemoryKill::kYes || logged == MemoryKill::kUnknown;
    return counted != nullptr && isSurelyOne ? MemoryKill::kYes : logged;
  }
  int limitMemory(uint64_t bytes) override { return limit("memory.max", bytes); }
  int limitProcesses(uint64_t count) override { return limit("pids.max", count); }

 private:
  int limit(kj::StringPtr file, uint64_t value) {
    int result = group_->write(file, value == UINT64_MAX ? kj::str("max") : kj::str(value));
    return result == ENOENT || result == EACCES ? ENOTSUP : result;
  }

  struct Watch {
    kj::AutoCloseFd events;
    kj::UnixEventPort::FdObserver observer;
    Watch(kj::UnixEventPort& port, kj::AutoCloseFd fd)
        : events(kj::mv(fd)),
          observer(port, events, kj::UnixEventPort::FdObserver::OBSERVE_URGENT) {}
  };
  kj::Promise<void> wait(Watch& watch);

  kj::Own<Cgroup> group_;
  kj::String marker_;
  MemoryKills& kills_;
  kj::UnixEventPort& port_;
  kj::Timer& timer_;
};

// Root can leave its group, so the processes outside of it are found by their mark, or by their
// parents.
void CgroupSet::killAll() {
  auto members = group_->processes();
  killFamily(members, marker_, [this]() { group_->killAll(); });
}

kj::Promise<void> CgroupSet::whenEmpty() {
  if (group_->processes().empty()) return kj::READY_NOW;
  int fd;
  KJ_SYSCALL(fd = openat(group_->directoryFd(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  auto watch = kj::heap<Watch>(port_, kj::AutoCloseFd(fd));
  auto promise = wait(*watch);
  return promise.attach(kj::mv(watch));
}

kj::Promise<void> CgroupSet::wait(Watch& watch) {
  auto changed = watch.observer.whenUrgentDataAvailable();
  readAll(watch.events);  // Only changes after this read are notified.
  if (group_->processes().empty()) return kj::READY_NOW;
  return changed.exclusiveJoin(timer_.afterDelay(kRecheck)).then([this, &watch]() {
    return wait(watch);
  });
}

class DescentSet final : public ProcessSet {
 public:
  // `leaders` holds the first processes of all sets, to tell them from orphans.
  DescentSet(kj::String marker, MemoryKills& kills, kj::Timer& timer, std::set<pid_t>& leaders)
      : marker_(kj::mv(marker)), kills_(kills), timer_(timer), leaders_(leaders) {}
  ~DescentSet() noexcept(false) override {
    killAll();
    leaders_.erase(leader_);
  }

  kj::StringPtr marker() const override { return marker_; }
  void begin(pid_t leader) override {
    leader_ = leader;
    leaders_.insert(leader);
  }
  kj::Vector<pid_t> list() override;
  void signalAll(int signal) override {
    for (pid_t pid : list()) kill(pid, signal);
  }
  void killAll() override;
  kj::Promise<void> whenEmpty() override { return poll(kPollFirst); }
  MemoryKill memoryKill(pid_t pid, int64_t sinceMonotonicNs) override {
    return kills_.of(pid, sinceMonotonicNs);
  }

 private:
  kj::Promise<void> poll(kj::Duration delay);
  bool isSurelyEmpty();
  bool mayBeOfAJob(pid_t pid);

  kj::String marker_;
  MemoryKills& kills_;
  kj::Timer& timer_;
  std::set<pid_t>& leaders_;
  pid_t leader_ = 0;
  // Members seen before, with their start, so that a member is found when its mark is gone.
  std::map<pid_t, uint64_t> known_;
};

// Returns whether a child of the keeper that is not the first process of any set was adopted from a
// job. The keeper's front, for one, was not.
bool DescentSet::mayBeOfAJob(pid_t pid) {
  KJ_IF_MAYBE (info, readProcess(pid)) {
    return !info->hasEnded && (known_.count(pid) > 0 || leaders_.count(info->session) > 0 ||
                               leaders_.count(info->group) > 0 ||
                               !allStartedWith(kj::arrayPtr(&pid, 1), kMarkerName).empty());
  }
  return false;
}

// Answers the usual case at a fraction of a scan's cost. A process that survives its parents
// becomes a child of the keeper, so without a first process and without adopted children the set is
// empty.
bool DescentSet::isSurelyEmpty() {
  for (int look = 0; look < 2; ++look) {  // A single look may miss a child.
    auto children = ownChildren();
    KJ_IF_MAYBE (pids, children) {
      for (pid_t pid : *pids) {
        if (pid == leader_ || (leaders_.count(pid) == 0 && mayBeOfAJob(pid))) return false;
      }
    } else {
      return false;
    }
  }
  leaders_.erase(leader_);
  return true;
}

kj::Vector<pid_t> DescentSet::list() {
  kj::Vector<pid_t> members;
  if (leader_ == 0 || isSurelyEmpty()) return members;
  auto all = listProcesses();
  auto marked = markedOf(all, marker_);
  std::map<pid_t, uint64_t> found;
  auto isMember = [&](const ProcessInfo& info) {
    auto seen = known_.find(info.pid);
    return info.pid == leader_ || info.session == leader_ || info.group == leader_ ||
           found.count(info.parent) > 0 ||
           (seen != known_.end() && seen->second == info.startTicks) || marked.count(info.pid) > 0;
  };
  // There are two passes, because a child has a lower pid than its parent once pids have wrapped.
  for (int pass = 0; pass < 2; ++pass) {
    for (auto& info : all) {
      if (info.pid != getpid() && found.count(info.pid) == 0 && isMember(info))
        found[info.pid] = info.startTicks;
    }
  }
  for (auto& info : all) {
    if (found.count(info.pid) > 0 && !info.hasEnded) members.add(info.pid);
  }
  known_ = kj::mv(found);
  return members;
}

void DescentSet::killAll() {
  for (int round = 0; round < kKillRounds; ++round) {
    auto members = list();
    if (members.empty()) return;
    for (pid_t pid : members) kill(pid, SIGSTOP);  // None may fork while the others are killed.
    for (pid_t pid : members) kill(pid, SIGKILL);
  }
}

kj::Promise<void> DescentSet::poll(kj::Duration delay) {
  if (list().empty()) return kj::READY_NOW;
  return timer_.afterDelay(delay).then(
      [this, delay]() { return poll(kj::min(delay * 2, kPollLast)); });
}

// Returns the common prefix of an owner's marks. All marks of one name begin alike, and among these
// all of one owner.
kj::String ownersMarker(kj::StringPtr name, uint64_t owner) {
  return kj::str(ProcessSets::markerOf(name), getpid(), ".", owner, ".");
}

// Returns the mark of one set, which no other set has.
kj::String setsMarker(kj::StringPtr name, uint64_t owner, uint64_t number) {
  return kj::str(ownersMarker(name, owner), number, ".");
}

class CgroupSets final : public ProcessSets {
 public:
  CgroupSets(kj::Own<CgroupTree> tree, kj::StringPtr name, kj::UnixEventPort& port,
             kj::Timer& timer)
      : tree_(kj::mv(tree)), name_(kj::str(name)), port_(port), timer_(timer) {}
  kj::Own<ProcessSet> make(uint64_t owner) override {
    auto marker = setsMarker(name_, owner, nextNumber_++);
    return kj::heap<CgroupSet>(tree_->take(), kj::mv(marker), kills_, port_, timer_);
  }
  kj::String markerOf(uint64_t owner) const override { return ownersMarker(name_, owner); }
  kj::StringPtr kind() const override { return "cgroup"; }

 private:
  kj::Own<CgroupTree> tree_;
  kj::String name_;
  MemoryKills kills_;
  uint64_t nextNumber_ = 1;
  kj::UnixEventPort& port_;
  kj::Timer& timer_;
};

class DescentSets final : public ProcessSets {
 public:
  DescentSets(kj::StringPtr name, kj::Timer& timer) : name_(kj::str(name)), timer_(timer) {
    KJ_SYSCALL(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    sweeping_ =
        sweep().eagerlyEvaluate([](kj::Exception&& exception) { KJ_LOG(ERROR, exception); });
  }
  kj::Own<ProcessSet> make(uint64_t owner) override {
    return kj::heap<DescentSet>(setsMarker(name_, owner, nextNumber_++), kills_, timer_, leaders_);
  }
  kj::String markerOf(uint64_t owner) const override { return ownersMarker(name_, owner); }
  kj::StringPtr kind() const override { return "descent"; }

 private:
  kj::Promise<void> sweep();

  kj::String name_;
  MemoryKills kills_;
  kj::Timer& timer_;
  uint64_t nextNumber_ = 1;
  std::set<pid_t> leaders_;
  std::set<pid_t> zombies_;
  kj::Promise<void> sweeping_ = nullptr;
};

// Reaps adopted orphans. Only a zombie that two sweeps have seen is reaped: the keeper's own
// children have an owner that reaps them long before.
kj::Promise<void> DescentSets::sweep() {
  return timer_.afterDelay(kOrphanSweep).then([this]() {
    std::set<pid_t> seen;
    for (auto& info : listProcesses()) {
      if (info.parent != getpid() || !info.hasEnded) continue;
      if (zombies_.count(info.pid) > 0) {
        siginfo_t ignored;
        waitid(P_PID, static_cast<id_t>(info.pid), &ignored, WEXITED | WNOHANG);
      } else {
        seen.insert(info.pid);
      }
    }
    zombies_ = kj::mv(seen);
    return sweep();
  });
}

}  // namespace

MemoryKill ProcessSet::memoryKill(pid_t, int64_t) {
  return MemoryKill::kUnknown;
}
int ProcessSet::limitMemory(uint64_t) {
  return ENOTSUP;
}
int ProcessSet::limitProcesses(uint64_t) {
  return ENOTSUP;
}

kj::Own<ProcessSets> ProcessSets::byCgroup(kj::Own<CgroupTree> tree, kj::StringPtr name,
                                           kj::UnixEventPort& port, kj::Timer& timer) {
  return kj::heap<CgroupSets>(kj::mv(tree), name, port, timer);
}

kj::Own<ProcessSets> ProcessSets::byDescent(kj::StringPtr name, kj::Timer& timer) {
  return kj::heap<DescentSets>(name, timer);
}

kj::String ProcessSets::markerOf(kj::StringPtr name) {
  return kj::str(kMarkerName, name, ".");
}

kj::Vector<pid_t> ProcessSets::killMarked(kj::StringPtr marker) {
  kj::Vector<pid_t> family;
  for (int look = 0; look < kGoneLooks; ++look) {
    if (look > 0) {
      timespec pause{0, kGonePauseNs};
      nanosleep(&pause, nullptr);
    }
    // A look follows each kill, because killed processes go a little later.
    family = familyOf(nullptr, marker);
    if (family.empty()) break;
    killFamily(family, marker, [&family]() {
      for (pid_t pid : family) kill(pid, SIGKILL);
    });
  }
  return family;
}

void ProcessSets::killLeftovers(kj::StringPtr name) {
  killMarked(markerOf(name));
  CgroupTree::open(name);  // Its opening kills leftovers, and its end removes it.
}

kj::Own<ProcessSets> ProcessSets::best(kj::StringPtr name, kj::UnixEventPort& port,
                                       kj::Timer& timer) {
  auto tree = CgroupTree::open(name);
  KJ_IF_MAYBE (found, tree) return byCgroup(kj::mv(*found), name, port, timer);
  return byDescent(name, timer);
}

}  // namespace nodeagent
