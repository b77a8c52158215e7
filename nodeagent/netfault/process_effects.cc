// The effects on processes: they stand still, or can open no more files.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <vector>

#include <kj/vector.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/processes.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

class PauseEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost&, RememberLines remember) const override {
    stopProcesses(spec.processes, [&](auto processes) { remember(linesOf(processes)); });
  }

  // A process that was killed meanwhile takes its part with it. One that somebody has told to go on
  // is a fault that ended before its time.
  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    auto processes = processesIn(lines);
    size_t threads = 0, stopped = 0, living = 0;
    for (auto& process : processes) {
      auto look = lookAt(process);
      threads += look.threads;
      stopped += look.stopped;
      if (look.isThere) ++living;
    }
    // Without processes it was killed before it stopped the first one.
    shown.isThere = shown.isWorking = processes.size() > 0 && stopped == threads;
    shown.witness =
        kj::str(stopped, " of ", threads, " threads stopped, of ", describe(processes.asPtr()));
    if (living < processes.size()) {
      shown.witness = kj::str(shown.witness, "; ", processes.size() - living, " ended since");
    }
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    shown.isThere = shown.isWorking = continueProcesses(processesIn(lines));
    return shown;
  }
};

// How many files a process may open before its limit, with the lowest free numbers.
struct Numbers {
  std::vector<rlim_t> used;

  // Returns the limit below which exactly `leave` numbers are free.
  rlim_t limitFor(uint32_t leave) const {
    rlim_t limit = 0;
    uint32_t left = leave;
    for (rlim_t number : used) {
      rlim_t gap = number - limit;
      if (gap > left) break;
      left -= static_cast<uint32_t>(gap);
      limit = number + 1;
    }
    return limit + left;
  }
};

// Fails with the kind of the errno, such as denied.
Numbers numbersOf(const ProcessRef& process) {
  auto path = kj::str("/proc/", process.pid, "/fd");
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.cStr()), ::closedir);
  if (directory == nullptr) support::failErrno(errno, "list ", path);
  Numbers numbers;
  while (auto* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.') numbers.used.push_back(strtoull(entry->d_name, nullptr, 10));
  }
  std::sort(numbers.used.begin(), numbers.used.end());
  return numbers;
}

struct Limited {
  ProcessRef process;
  rlimit before{};
  rlim_t limit = 0;
};

kj::String lineOf(const Limited& limited) {
  return kj::str(limited.before.rlim_cur, " ", limited.limit, " ", lineOf(limited.process));
}

kj::Vector<Limited> limitedIn(kj::ArrayPtr<const kj::String> lines) {
  kj::Vector<Limited> all;
  for (auto& line : lines) {
    unsigned long long before = 0, limit = 0;
    int rest = 0;
    if (sscanf(line.cStr(), "%llu %llu %n", &before, &limit, &rest) != 2) continue;
    auto processes = processesIn(kj::arr(kj::str(line.slice(static_cast<size_t>(rest)))));
    if (processes.size() != 1) continue;
    Limited limited{kj::mv(processes[0]), {}, limit};
    limited.before.rlim_cur = before;
    all.add(kj::mv(limited));
  }
  return all;
}

// Returns what the kernel has; null if the process is gone.
kj::Maybe<rlimit> limitOf(const ProcessRef& process) {
  rlimit now{};
  if (!lookAt(process).isThere) return nullptr;
  if (::prlimit(process.pid, RLIMIT_NOFILE, nullptr, &now) == 0) return now;
  if (errno == ESRCH) return nullptr;
  support::failErrno(errno, "read the limits of process ", process.pid);
}

void setLimit(const ProcessRef& process, rlim_t soft) {
  KJ_IF_MAYBE (now, limitOf(process)) {
    rlimit changed = *now;
    changed.rlim_cur = std::min(soft, changed.rlim_max);
    if (::prlimit(process.pid, RLIMIT_NOFILE, &changed, nullptr) == 0 || errno == ESRCH) return;
    support::failErrno(errno, "limit the open files of process ", process.name, " (", process.pid,
                       ")");
  }
}

class DescriptorsEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost&, RememberLines remember) const override {
    kj::Vector<Limited> all;
    for (auto& process : findProcesses(spec.processes)) {
      KJ_IF_MAYBE (before, limitOf(process)) {
        rlim_t limit = numbersOf(process).limitFor(static_cast<uint32_t>(spec.leave));
        if (limit > before->rlim_cur) {
          support::fail(Kind::CONFLICT, "process ", process.name, " (", process.pid,
                        ") can open fewer than ", spec.leave,
                        " more files already, with a limit of ", before->rlim_cur);
        }
        all.add(Limited{kj::mv(process), *before, limit});
      }
    }
    if (all.size() == 0) {
      support::fail(Kind::NOT_FOUND, "the node has no ", describe(spec.processes));
    }
    remember(KJ_MAP(limited, all) { return lineOf(limited); });
    for (auto& limited : all) setLimit(limited.process, limited.limit);
    for (auto& limited : all) requireLimited(limited);
  }

  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    auto all = limitedIn(lines);
    shown.isThere = shown.isWorking = all.size() > 0;
    kj::Vector<kj::String> texts;
    for (auto& limited : all) {
      KJ_IF_MAYBE (now, limitOf(limited.process)) {
        if (now->rlim_cur != limited.limit) shown.isThere = shown.isWorking = false;
        texts.add(kj::str(limited.process.name, " (", limited.process.pid,
                          ") may open numbers below ", now->rlim_cur, " instead of ",
                          limited.before.rlim_cur));
      }
    }
    shown.witness = kj::strArray(texts, ", ");
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown = read(lines);
    for (auto& limited : limitedIn(lines)) {
      KJ_IF_MAYBE (now, limitOf(limited.process)) {
        // Somebody has changed it since, whose limit stays.
        if (now->rlim_cur != limited.limit) continue;
      } else {
        continue;
      }
      setLimit(limited.process, limited.before.rlim_cur);
      KJ_IF_MAYBE (now, limitOf(limited.process)) {
        if (now->rlim_cur == limited.before.rlim_cur) continue;
        support::fail(Kind::SYSTEM, "the limit of open files of process ", limited.process.name,
                      " (", limited.process.pid, ") is ", now->rlim_cur, " instead of ",
                      limited.before.rlim_cur);
      }
    }
    return shown;
  }

 private:
  static void requireLimited(const Limited& limited) {
    KJ_IF_MAYBE (now, limitOf(limited.process)) {
      if (now->rlim_cur == limited.limit) return;
      support::fail(Kind::SYSTEM, "the limit of open files of process ", limited.process.name, " (",
                    limited.process.pid, ") was set to ", limited.limit, ", and the kernel shows ",
                    now->rlim_cur);
    }
  }
};

}  // namespace

const LocalEffect& pauseEffect() {
  static const PauseEffect kEffect;
  return kEffect;
}

const LocalEffect& descriptorsEffect() {
  static const DescriptorsEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
