#include "nodeagent/netfault/processes.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>

#include "nodeagent/os/look_until.h"
#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/process.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kChangeMaxNs = 5'000'000'000;
constexpr int64_t kSoonNs = 50'000'000;
// A job that was started just now is still a copy of its agent until it runs its own program.
constexpr int64_t kProgramRunsMaxNs = 1'000'000'000;
// Each look finds what was made before those that it found were stopped.
constexpr size_t kLooksMax = 20;
constexpr size_t kShownMax = 10;

// Which processes no fault may touch.
class Protected {
 public:
  Protected() {
    own_ = ::stat("/proc/self/exe", &program_) == 0;
    for (pid_t pid = ::getpid(); pid > 0;) {
      ancestors_.insert(pid);
      auto info = readProcessSurely(pid);
      KJ_IF_MAYBE (process, info) {
        pid = process->parent;
      } else {
        break;
      }
    }
    ancestors_.insert(1);
  }

  bool holds(pid_t pid) const {
    if (ancestors_.count(pid) > 0) return true;
    return !lookUntil(kProgramRunsMaxNs, [&]() { return !runsOwnProgram(pid); });
  }

 private:
  bool runsOwnProgram(pid_t pid) const {
    struct stat program {};
    return own_ && ::stat(kj::str("/proc/", pid, "/exe").cStr(), &program) == 0 &&
           program.st_dev == program_.st_dev && program.st_ino == program_.st_ino;
  }

  std::set<pid_t> ancestors_;
  struct stat program_ {};
  bool own_ = false;
};

bool isOfKernel(pid_t pid) {
  char target[1];
  return ::readlink(kj::str("/proc/", pid, "/exe").cStr(), target, sizeof target) < 0 &&
         errno == ENOENT;
}

// Lines are "0::/system.slice/kvd.service/…".
bool isInUnit(pid_t pid, kj::StringPtr unit) {
  std::string text = readFile(kj::str("/proc/", pid, "/cgroup")).cStr();
  std::string part = kj::str("/", unit).cStr();
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    size_t end = at + part.size();
    if (end == text.size() || text[end] == '/' || text[end] == '\n') return true;
  }
  return false;
}

bool isMeant(const ProcessInfo& process, const ProcessChoice& choice) {
  switch (choice.by) {
    case ProcessChoice::By::kName:
      return nameAmong(process, kj::arrayPtr(&choice.text, 1)) != nullptr;
    case ProcessChoice::By::kPid:
      return process.pid == choice.pid;
    case ProcessChoice::By::kUnit:
      return isInUnit(process.pid, choice.text);
    case ProcessChoice::By::kNone:
      break;
  }
  return false;
}

bool await(kj::FunctionParam<bool()> isDone) {
  return lookUntil(kChangeMaxNs, [&]() { return isDone(); });
}

bool standsStill(const ProcessRef& process) {
  auto look = lookAt(process);
  return !look.isThere || look.isStopped();
}

bool isChildOf(const ProcessRef& process, const ProcessRef& parent) {
  KJ_IF_MAYBE (info, readProcess(process.pid)) {
    return info->startTicks == process.startTicks && info->parent == parent.pid;
  }
  return false;
}

// A process that has called vfork waits, in state D, until its child runs a program. A child that
// was stopped before has to go on until then.
void letChildrenRunTheirPrograms(const ProcessRef& process,
                                 kj::ArrayPtr<const ProcessRef> stopped) {
  kj::Vector<const ProcessRef*> children;
  for (auto& each : stopped) {
    if (isChildOf(each, process)) children.add(&each);
  }
  if (children.size() == 0) return;
  for (auto* child : children) signalProcess(*child, SIGCONT);
  await([&]() { return standsStill(process); });
  for (auto* child : children) signalProcess(*child, SIGSTOP);
  for (auto* child : children) {
    await([&]() { return standsStill(*child); });
  }
}

// `stopped` are those that are told to stop with it.
void awaitStopped(const ProcessRef& process, kj::ArrayPtr<const ProcessRef> stopped) {
  auto isStopped = [&]() { return standsStill(process); };
  if (lookUntil(kSoonNs, isStopped)) return;
  if (lookAt(process).state == 'D') letChildrenRunTheirPrograms(process, stopped);
  if (await(isStopped)) return;
  auto look = lookAt(process);
  support::fail(Kind::SYSTEM, "process ", process.name, " (", process.pid,
                ") was told to stop, and its thread ", look.running, " is still in state ",
                kj::str(look.state));
}

kj::Vector<ProcessRef> newAmong(kj::Vector<ProcessRef> found, const kj::Vector<ProcessRef>& known) {
  kj::Vector<ProcessRef> fresh;
  for (auto& process : found) {
    bool isKnown = std::any_of(known.begin(), known.end(), [&](auto& each) {
      return each.pid == process.pid && each.startTicks == process.startTicks;
    });
    if (!isKnown) fresh.add(kj::mv(process));
  }
  return fresh;
}

kj::Vector<ProcessRef> stopAll(const ProcessChoice& choice, RememberProcesses& remember) {
  kj::Vector<ProcessRef> all;
  for (size_t look = 0; look < kLooksMax; ++look) {
    auto fresh = newAmong(findProcesses(choice), all);
    if (fresh.size() == 0 && all.size() == 0) {
      support::fail(Kind::NOT_FOUND, "the node has no ", describe(choice));
    }
    if (fresh.size() == 0) return all;
    size_t first = all.size();
    for (auto& process : fresh) all.add(kj::mv(process));
    remember(all);
    auto added = all.slice(first, all.size());
    for (auto& process : added) signalProcess(process, SIGSTOP);
    for (auto& process : added) awaitStopped(process, all);
  }
  support::fail(Kind::SYSTEM, describe(choice), ": new ones appear faster than they are stopped");
}

}  // namespace

kj::String describe(const ProcessChoice& choice) {
  switch (choice.by) {
    case ProcessChoice::By::kPid:
      return kj::str("process ", choice.pid);
    case ProcessChoice::By::kUnit:
      return kj::str("processes of unit ", choice.text);
    default:
      return kj::str("processes named ", choice.text);
  }
}

kj::String lineOf(const ProcessRef& process) {
  return kj::str(process.pid, " ", process.startTicks, " ", process.name);
}

kj::Array<kj::String> linesOf(kj::ArrayPtr<const ProcessRef> processes) {
  return KJ_MAP(process, processes) {
    return lineOf(process);
  };
}

kj::Vector<ProcessRef> processesIn(kj::ArrayPtr<const kj::String> lines) {
  kj::Vector<ProcessRef> processes;
  for (auto& line : lines) {
    ProcessRef process;
    unsigned long long ticks = 0;
    int nameAt = 0;
    if (sscanf(line.cStr(), "%d %llu %n", &process.pid, &ticks, &nameAt) != 2 || nameAt == 0 ||
        process.pid <= 1) {
      continue;
    }
    process.startTicks = ticks;
    process.name = kj::str(line.slice(static_cast<size_t>(nameAt)));
    processes.add(kj::mv(process));
  }
  return processes;
}

kj::String describe(kj::ArrayPtr<const ProcessRef> processes) {
  kj::Vector<kj::String> texts;
  for (auto& process : processes) {
    if (texts.size() == kShownMax) break;
    texts.add(kj::str(process.name, " (", process.pid, ")"));
  }
  auto text = kj::strArray(texts, ", ");
  if (processes.size() <= kShownMax) return text;
  return kj::str(text, " and ", processes.size() - kShownMax, " more");
}

kj::Vector<ProcessRef> findProcesses(const ProcessChoice& choice) {
  kj::Vector<ProcessRef> found;
  Protected guarded;
  for (auto& process : listProcesses()) {
    if (process.hasEnded || !isMeant(process, choice) || isOfKernel(process.pid)) continue;
    if (guarded.holds(process.pid)) {
      support::fail(Kind::DENIED, "process ", process.command, " (", process.pid,
                    ") is the agent's own, or one that it descends from, and is left alone");
    }
    if (found.size() == kProcessesMax) {
      support::fail(Kind::OVERLOADED, describe(choice), ": there are more than ", kProcessesMax);
    }
    // The name of a job changes when it runs its own program.
    KJ_IF_MAYBE (now, readProcessSurely(process.pid)) {
      if (now->startTicks == process.startTicks) process.command = kj::mv(now->command);
    }
    // A name is a part of a line of the record.
    for (char& c : process.command) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    found.add(ProcessRef{process.pid, process.startTicks, kj::mv(process.command)});
  }
  return found;
}

ThreadLook lookAt(const ProcessRef& process) {
  ThreadLook look;
  KJ_IF_MAYBE (info, readProcessSurely(process.pid)) {
    if (info->startTicks != process.startTicks || info->hasEnded) return look;
  } else {
    return look;
  }
  auto tasks = kj::str("/proc/", process.pid, "/task");
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(tasks.cStr()), ::closedir);
  if (directory == nullptr) return look;
  while (auto* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    auto text = readFile(kj::str(tasks, "/", entry->d_name, "/stat"), 4096);
    const char* close = ::strrchr(text.cStr(), ')');
    // The thread has ended.
    if (close == nullptr || close[1] == '\0' || close[2] == 'Z' || close[2] == 'X') continue;
    ++look.threads;
    if (close[2] == 'T') {
      ++look.stopped;
    } else {
      look.running = ::atoi(entry->d_name);
      look.state = close[2];
    }
  }
  look.isThere = look.threads > 0;
  return look;
}

kj::AutoCloseFd openProcess(const ProcessRef& process) {
  kj::AutoCloseFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (pidfd.get() < 0) {
    if (errno == ESRCH) return nullptr;
    support::failErrno(errno, "open process ", process.pid);
  }
  // The number cannot pass to another process behind the descriptor, so this look is enough.
  KJ_IF_MAYBE (info, readProcessSurely(process.pid)) {
    if (info->startTicks == process.startTicks) return pidfd;
  }
  return nullptr;
}

bool signalProcess(const ProcessRef& process, int signal) {
  kj::AutoCloseFd pidfd = openProcess(process);
  if (pidfd.get() < 0) return false;
  int error = signalChild(pidfd, signal);
  if (error == ESRCH) return false;
  if (error != 0) {
    support::failErrno(error, "signal process ", process.name, " (", process.pid, ")");
  }
  return true;
}

kj::Vector<ProcessRef> stopProcesses(const ProcessChoice& choice, RememberProcesses remember) {
  for (auto& process : findProcesses(choice)) {
    if (lookAt(process).stopped == 0) continue;
    support::fail(Kind::CONFLICT, "process ", process.name, " (", process.pid,
                  ") is stopped already, by another fault or by somebody else");
  }
  return stopAll(choice, remember);
}

bool continueProcesses(kj::ArrayPtr<const ProcessRef> processes) {
  bool wereStopped = true;
  for (auto& process : processes) {
    auto look = lookAt(process);
    if (look.isThere && !look.isStopped()) wereStopped = false;
    signalProcess(process, SIGCONT);
  }
  for (auto& process : processes) {
    bool isDone = await([&]() { return lookAt(process).stopped == 0; });
    if (isDone) continue;
    support::fail(Kind::SYSTEM, "process ", process.name, " (", process.pid,
                  ") was told to go on, and is still stopped");
  }
  return wereStopped;
}

kj::Vector<ProcessRef> killProcesses(const ProcessChoice& choice, RememberProcesses remember) {
  kj::Vector<ProcessRef> known;
  RememberProcesses rememberHereToo = [&](kj::ArrayPtr<const ProcessRef> all) {
    remember(all);
    known.clear();
    for (auto& process : all) known.add(process.clone());
  };
  KJ_ON_SCOPE_FAILURE(kj::runCatchingExceptions([&]() {
    continueProcesses(known);
    remember(nullptr);
  }));
  auto all = stopAll(choice, rememberHereToo);
  for (auto& process : all) signalProcess(process, SIGKILL);
  for (auto& process : all) {
    if (await([&]() { return !lookAt(process).isThere; })) continue;
    support::fail(Kind::SYSTEM, "process ", process.name, " (", process.pid,
                  ") was killed, and has not ended");
  }
  remember(nullptr);
  return all;
}

}  // namespace nodeagent::netfault
