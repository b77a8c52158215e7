#include "nodeagent/os/process_family.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <chrono>

#include "nodeagent/os/process.h"

namespace nodeagent {
namespace {

using Steady = std::chrono::steady_clock;

constexpr auto kHuntMax = std::chrono::seconds(2);
// Bounds the rounds, because a fork bomb is faster than any number of them. Each is a scan of
// /proc.
constexpr int kKillRounds = 20;
constexpr long kGonePauseNs = 10'000'000;

void pauseFor(long ns) {
  timespec pause{0, ns};
  nanosleep(&pause, nullptr);
}

void signalAll(kj::ArrayPtr<const pid_t> pids, int signal) {
  for (pid_t pid : pids) kill(pid, signal);
}

// Returns `seeds`, all marked processes, and their descendants, in order of pid. The result holds
// neither ourselves nor zombies.
kj::Vector<pid_t> familyOf(kj::ArrayPtr<const pid_t> seeds, const Marked& marked) {
  auto all = listProcesses();
  kj::Vector<pid_t> candidates(all.size());
  for (auto& info : all) {
    if (info.startTicks >= marked.sinceTicks && info.pid != getpid()) candidates.add(info.pid);
  }
  auto found = allStartedWith(candidates, marked.marker).found;
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

bool isKnown(const Descent& descent, const ProcessInfo& info) {
  auto seen = descent.known.find(info.pid);
  return seen != descent.known.end() && seen->second == info.startTicks;
}

// Says whether the job's first process, its session or its process group tell that `info` is a
// member. A pid that was seen with another start is another process.
bool isNextToLeader(const Descent& descent, const ProcessInfo& info) {
  if (info.pid == descent.leader) return descent.known.count(info.pid) == 0;
  return info.session == descent.leader || info.group == descent.leader;
}

}  // namespace

uint64_t ticksNow() {
  auto ticksPerSecond = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * ticksPerSecond +
         static_cast<uint64_t>(now.tv_nsec) * ticksPerSecond / 1'000'000'000;
}

void killFamily(kj::ArrayPtr<const pid_t> seeds, const Marked& marked) {
  auto end = Steady::now() + kHuntMax;
  std::set<pid_t> killed;
  auto family = familyOf(seeds, marked);
  // A look that had to wait for a process that hung says nothing about now.
  for (int round = 0; round < kKillRounds && Steady::now() < end; ++round) {
    kj::Vector<pid_t> strays;
    for (pid_t pid : family) {
      if (killed.insert(pid).second) strays.add(pid);
    }
    if (strays.empty()) return;
    signalAll(strays, SIGSTOP);  // None may fork while the others are killed.
    family = familyOf(strays, marked);
    signalAll(strays, SIGKILL);
  }
}

kj::Vector<pid_t> killUntilGone(const Marked& marked) {
  auto end = Steady::now() + kHuntMax;
  // A look follows each kill, because killed processes go a little later.
  for (;;) {
    auto family = familyOf(nullptr, marked);
    if (family.empty() || Steady::now() >= end) return family;
    signalAll(family, SIGKILL);
    killFamily(family, marked);
    pauseFor(kGonePauseNs);
  }
}

bool hasNoDescendant(const Descent& descent) {
  for (int look = 0; look < 2; ++look) {  // A single look may miss a child.
    auto children = childrenOf(getpid());
    KJ_IF_MAYBE (pids, children) {
      for (pid_t pid : *pids) {
        if (pid == descent.leader || descent.leaders.count(pid) == 0) return false;
      }
    } else {
      return false;
    }
  }
  return true;
}

// A process that survives its parents becomes a child of the keeper. So every member descends from
// the first process, or from an orphan whose mark, session or process group tells its job. Children
// of the keeper that are of no job, such as its front, have none of these.
DescentLook lookByDescent(const Descent& descent) {
  DescentLook result;
  if (hasNoDescendant(descent)) return result;
  auto all = listProcesses();
  kj::Vector<pid_t> orphans;
  auto& found = result.known;
  for (auto& info : all) {
    if (info.pid == getpid()) continue;
    if (isKnown(descent, info) || isNextToLeader(descent, info)) {
      found[info.pid] = info.startTicks;
    } else if (info.parent == getpid() && !info.hasEnded && descent.leaders.count(info.pid) == 0) {
      orphans.add(info.pid);
    }
  }
  auto marked = allStartedWith(orphans, descent.marker);
  result.isCertain = marked.unknown.empty();
  // There are two passes, because a child has a lower pid than its parent once pids have wrapped.
  for (int pass = 0; pass < 2; ++pass) {
    for (auto& info : all) {
      if (marked.found.count(info.pid) > 0 || found.count(info.parent) > 0)
        found[info.pid] = info.startTicks;
    }
  }
  for (auto& info : all) {
    if (found.count(info.pid) > 0 && !info.hasEnded) result.members.add(info.pid);
  }
  return result;
}

void signalByDescent(const Descent& descent, kj::ArrayPtr<const int> signals) {
  auto members = lookByDescent(descent).members;
  for (int signal : signals) signalAll(members, signal);
}

void killByDescent(Descent descent) {
  auto end = Steady::now() + kHuntMax;
  for (int round = 0; round < kKillRounds && Steady::now() < end; ++round) {
    auto look = lookByDescent(descent);
    if (look.members.empty() && look.isCertain) return;
    signalAll(look.members, SIGSTOP);  // None may fork while the others are killed.
    signalAll(look.members, SIGKILL);
    descent.known = kj::mv(look.known);
    if (look.members.empty()) pauseFor(kGonePauseNs);
  }
}

}  // namespace nodeagent
