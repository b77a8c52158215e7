#include "nodeagent/os/process_set.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>

#include <kj/debug.h>
#include <kj/refcount.h>

#include "nodeagent/os/process.h"
#include "nodeagent/os/process_family.h"
#include "nodeagent/os/worker.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

// Bounds the wait in case a notification is missed.
constexpr auto kRecheck = 1 * kj::SECONDS;
constexpr auto kPollFirst = 10 * kj::MILLISECONDS;
constexpr auto kPollLast = 500 * kj::MILLISECONDS;
constexpr auto kOrphanSweep = 2 * kj::SECONDS;
// Bounds the processes whose children are asked for on the loop.
constexpr size_t kParentsAskedMax = 64;
constexpr size_t kThreads = 2;
constexpr auto kListMax = 1 * kj::SECONDS;
// The last kills of a keeper that ends.
constexpr auto kLastKillsMax = 2 * kj::SECONDS;
// Longer than killMarked takes if no process hangs. Beyond its time, killMarked kills no other.
constexpr auto kEarlierKillsMax = 3 * kj::SECONDS;

constexpr const char* kMarkerName = "NODEAGENT_JOB=";

// What all sets of a keeper share.
struct SetContext {
  kj::UnixEventPort* port;
  kj::Timer& timer;
  Worker& worker;
  MemoryKills& kills;
};

// Bounds a look that may wait for a process that hangs. Without an answer in time nobody is known.
kj::Promise<kj::Vector<pid_t>> withinLimit(const SetContext& context,
                                           kj::Promise<kj::Vector<pid_t>> looking) {
  auto late = context.timer.afterDelay(kListMax).then([]() { return kj::Vector<pid_t>(); });
  return looking.exclusiveJoin(kj::mv(late)).catch_([](kj::Exception&& exception) {
    support::logLimited("processes", support::Level::kWarn, "the processes of a job are not known",
                        {{"reason", support::reasonOf(exception)}});
    return kj::Vector<pid_t>();
  });
}

class CgroupSet final : public ProcessSet {
 public:
  CgroupSet(const SetContext& context, kj::Own<Cgroup> group, kj::String marker)
      : context_(context),
        group_(kj::mv(group)),
        marker_(kj::mv(marker)),
        // The clock's unit is coarse.
        sinceTicks_(ticksNow() - 1) {}

  int cgroupFd() const override { return group_->directoryFd(); }
  kj::StringPtr marker() const override { return marker_; }
  void begin(pid_t) override {}
  bool isSurelyEmpty() override { return !group_->isPopulated(); }
  kj::Promise<kj::Vector<pid_t>> list() override;
  kj::Promise<void> signalAll(kj::Array<int> signals) override;
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
    auto logged = context_.kills.of(pid, sinceMonotonicNs);
    bool isSurelyOne = logged == MemoryKill::kYes || logged == MemoryKill::kUnknown;
    return counted != nullptr && isSurelyOne ? MemoryKill::kYes : logged;
  }
  // The kernel never sets the count back, so a group that has one is used once.
  uint64_t memoryKills() override {
    uint64_t count = group_->memoryKills().orDefault(uint64_t{0});
    if (count > 0) group_->retire();
    return count;
  }
  int limitMemory(uint64_t bytes) override { return limit("memory.max", bytes); }
  int limitProcesses(uint64_t count) override { return limit("pids.max", count); }

 private:
  int limit(kj::StringPtr file, uint64_t value) {
    int result = group_->write(file, value == UINT64_MAX ? kj::str("max") : kj::str(value));
    return result == ENOENT || result == EACCES ? ENOTSUP : result;
  }
  // Returns a descriptor of the group for a task that may outlive the set.
  kj::AutoCloseFd groupForTask() const {
    return kj::AutoCloseFd(fcntl(group_->directoryFd(), F_DUPFD_CLOEXEC, 3));
  }
  kj::Promise<void> wait(kj::UnixEventPort::FdObserver& observer);

  SetContext context_;
  kj::Own<Cgroup> group_;
  kj::String marker_;
  uint64_t sinceTicks_;
};

kj::Promise<kj::Vector<pid_t>> CgroupSet::list() {
  auto few = group_->fewProcesses();
  KJ_IF_MAYBE (pids, few) return kj::mv(*pids);
  return withinLimit(
      context_, context_.worker.run([group = groupForTask()]() { return processesBelow(group); }));
}

kj::Promise<void> CgroupSet::signalAll(kj::Array<int> signals) {
  auto sendAll = [signals = kj::mv(signals)](kj::ArrayPtr<const pid_t> pids) {
    for (int signal : signals) {
      for (pid_t pid : pids) kill(pid, signal);
    }
  };
  auto few = group_->fewProcesses();
  KJ_IF_MAYBE (pids, few) {
    sendAll(*pids);
    return kj::READY_NOW;
  }
  return context_.worker.run([group = groupForTask(), sendAll = kj::mv(sendAll)]() mutable {
    sendAll(processesBelow(group));
  });
}

// Few members die at once, and a thread kills a crowd, which takes the kernel long. Root can leave
// its group, so the thread looks for the processes outside of it by their mark, or by their
// parents. Members' children are asked for before, since a child loses its parent by the kill; that
// reads nothing of their memory.
void CgroupSet::killAll() {
  kj::Vector<pid_t> children;
  auto few = group_->fewProcesses();
  KJ_IF_MAYBE (members, few) {
    for (pid_t pid : members->slice(0, kj::min(members->size(), kParentsAskedMax))) {
      KJ_IF_MAYBE (found, childrenOf(pid)) children.addAll(*found);
    }
  }
  auto group = groupForTask();
  if (few != nullptr || group.get() < 0) group_->killAll();
  group_->retire();
  context_.worker.start([group = kj::mv(group), children = kj::mv(children),
                         marker = kj::str(marker_), sinceTicks = sinceTicks_]() {
    killGroup(group);
    killFamily(children, {marker, sinceTicks});
  });
}

kj::Promise<void> CgroupSet::whenEmpty() {
  if (!group_->isPopulated()) return kj::READY_NOW;
  using Observer = kj::UnixEventPort::FdObserver;
  auto observer = kj::heap<Observer>(*context_.port, group_->eventsFd(), Observer::OBSERVE_URGENT);
  auto promise = wait(*observer);
  return promise.attach(kj::mv(observer));
}

kj::Promise<void> CgroupSet::wait(kj::UnixEventPort::FdObserver& observer) {
  auto changed = observer.whenUrgentDataAvailable();
  // Only changes after this look are notified.
  if (!group_->isPopulated()) return kj::READY_NOW;
  return changed.exclusiveJoin(context_.timer.afterDelay(kRecheck)).then([this, &observer]() {
    return wait(observer);
  });
}

class DescentSet final : public ProcessSet {
 public:
  // `leaders` holds the first processes of all sets, to tell them from orphans.
  DescentSet(const SetContext& context, kj::String marker, std::set<pid_t>& leaders)
      : context_(context), marker_(kj::mv(marker)), leaders_(leaders) {}
  ~DescentSet() noexcept(false) override {
    killAll();
    leaders_.erase(leader_);
  }

  kj::StringPtr marker() const override { return marker_; }
  void begin(pid_t leader) override {
    leader_ = leader;
    leaders_.insert(leader);
  }
  bool isSurelyEmpty() override;
  kj::Promise<kj::Vector<pid_t>> list() override {
    return withinLimit(context_,
                       look().then([](DescentLook&& look) { return kj::mv(look.members); }));
  }
  kj::Promise<void> signalAll(kj::Array<int> signals) override {
    if (isSurelyEmpty()) return kj::READY_NOW;
    return context_.worker.run(
        [descent = descent(), signals = kj::mv(signals)]() { signalByDescent(descent, signals); });
  }
  void killAll() override {
    if (isSurelyEmpty()) return;
    context_.worker.start([descent = descent()]() mutable { killByDescent(kj::mv(descent)); });
  }
  kj::Promise<void> whenEmpty() override { return poll(kPollFirst); }
  MemoryKill memoryKill(pid_t pid, int64_t sinceMonotonicNs) override {
    return context_.kills.of(pid, sinceMonotonicNs);
  }

 private:
  // Is shared with looks, whose callers may outlive the set.
  struct Known final : public kj::Refcounted {
    std::map<pid_t, uint64_t> starts;
  };
  Descent descent() const { return {kj::str(marker_), leader_, leaders_, known_->starts}; }
  kj::Promise<DescentLook> look();
  kj::Promise<void> poll(kj::Duration delay);

  SetContext context_;
  kj::String marker_;
  std::set<pid_t>& leaders_;
  pid_t leader_ = 0;
  kj::Own<Known> known_ = kj::refcounted<Known>();
};

// Answers the usual case at a fraction of a scan's cost.
bool DescentSet::isSurelyEmpty() {
  if (leader_ == 0) return true;
  if (!hasNoDescendant(descent())) return false;
  leaders_.erase(leader_);
  return true;
}

kj::Promise<DescentLook> DescentSet::look() {
  if (isSurelyEmpty()) return DescentLook();
  return context_.worker.run([descent = descent()]() { return lookByDescent(descent); })
      .then(
          [known = kj::addRef(*known_)](DescentLook&& look) mutable {
            known->starts = look.known;
            return kj::mv(look);
          },
          [](kj::Exception&&) {
            return DescentLook{{}, {}, false};
          });
}

kj::Promise<void> DescentSet::poll(kj::Duration delay) {
  return look().then([this, delay](DescentLook&& look) -> kj::Promise<void> {
    if (look.members.empty() && look.isCertain) return kj::READY_NOW;
    return context_.timer.afterDelay(delay).then(
        [this, delay]() { return poll(kj::min(delay * 2, kPollLast)); });
  });
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

// Its destruction ends the threads, after the sets have told them what to kill.
class SetsOnThreads : public ProcessSets {
 public:
  SetsOnThreads(kj::StringPtr name, kj::UnixEventPort* port, kj::Timer& timer)
      : name_(kj::str(name)), context_{port, timer, worker_, kills_} {}
  ~SetsOnThreads() noexcept(false) override { worker_.awaitAll(kLastKillsMax); }

  void killEarlier() override {
    worker_.start([marker = ProcessSets::markerOf(name_)]() { killMarked(marker); });
    if (worker_.awaitAll(kEarlierKillsMax)) return;
    support::log(support::Level::kWarn,
                 "a process hangs, so that processes of jobs of an earlier "
                 "keeper may be left",
                 {});
  }
  kj::String markerOf(uint64_t owner) const override { return ownersMarker(name_, owner); }
  bool close(kj::Duration limit) override {
    worker_.awaitAll(limit / 2);
    return worker_.close(limit / 2);
  }

 protected:
  kj::String nextMarker(uint64_t owner) { return setsMarker(name_, owner, nextNumber_++); }

  kj::String name_;
  MemoryKills kills_;
  // These two are in this order, because tasks use the first.
  std::atomic<bool> isRemoving_ = false;
  Worker worker_{kThreads};
  SetContext context_;

 private:
  uint64_t nextNumber_ = 1;
};

class CgroupSets final : public SetsOnThreads {
 public:
  CgroupSets(kj::Own<CgroupTree> tree, kj::StringPtr name, kj::UnixEventPort& port,
             kj::Timer& timer)
      : SetsOnThreads(name, &port, timer), tree_(kj::mv(tree)) {}
  // The tree goes when all is killed, so that it can remove the groups.
  ~CgroupSets() noexcept(false) override { worker_.awaitAll(kLastKillsMax); }

  kj::Own<ProcessSet> make(uint64_t owner) override {
    removeNested();
    return kj::heap<CgroupSet>(context_, tree_->take(), nextMarker(owner));
  }
  kj::StringPtr kind() const override { return "cgroup"; }

 private:
  // Lets a thread remove groups that jobs made in theirs, which may be many.
  void removeNested() {
    if (tree_->lingering().size() == 0 || isRemoving_) return;
    isRemoving_ = true;
    auto paths = KJ_MAP(path, tree_->lingering()) {
      return kj::str(path);
    };
    worker_.start([this, paths = kj::mv(paths)]() {
      removeGroups(paths);
      isRemoving_ = false;
    });
  }

  kj::Own<CgroupTree> tree_;
};

class DescentSets final : public SetsOnThreads {
 public:
  DescentSets(kj::StringPtr name, kj::Timer& timer) : SetsOnThreads(name, nullptr, timer) {
    KJ_SYSCALL(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    sweeping_ =
        sweep().eagerlyEvaluate([](kj::Exception&& exception) { KJ_LOG(ERROR, exception); });
  }
  kj::Own<ProcessSet> make(uint64_t owner) override {
    return kj::heap<DescentSet>(context_, nextMarker(owner), leaders_);
  }
  kj::StringPtr kind() const override { return "descent"; }

 private:
  kj::Promise<void> sweep();

  std::set<pid_t> leaders_;
  std::set<pid_t> zombies_;
  kj::Promise<void> sweeping_ = nullptr;
};

// Returns the children of the keeper; at least the one that ended first, where the kernel does not
// tell more.
kj::Vector<pid_t> keepersChildren() {
  KJ_IF_MAYBE (children, childrenOf(getpid())) return kj::mv(*children);
  kj::Vector<pid_t> first;
  siginfo_t info{};
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0)
    first.add(info.si_pid);
  return first;
}

// Reaps adopted orphans. Only a zombie that two sweeps have seen is reaped: the keeper's own
// children have an owner that reaps them long before.
kj::Promise<void> DescentSets::sweep() {
  return context_.timer.afterDelay(kOrphanSweep).then([this]() {
    std::set<pid_t> seen;
    for (pid_t pid : keepersChildren()) {
      siginfo_t info{};
      auto id = static_cast<id_t>(pid);
      if (waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) continue;
      if (zombies_.count(pid) > 0) {
        waitid(P_PID, id, &info, WEXITED | WNOHANG);
      } else {
        seen.insert(pid);
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
  return killUntilGone({marker});
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
