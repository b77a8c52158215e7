// The effects that use up memory and processors, each by a process of its own (hog.h).
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>

#include <kj/io.h>

#include "nodeagent/netfault/hog.h"
#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/own_process.h"
#include "nodeagent/netfault/processes.h"
#include "nodeagent/os/look_until.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kStartMaxNs = 5'000'000'000;
// Memory is written at a gigabyte a second, and more slowly where something else has to go.
constexpr int64_t kUseMaxNs = 20'000'000'000;
// The kernel takes the hog before anything else when it has no memory.
constexpr int kOomScore = 1000;

uint64_t availableBytes() {
  auto text = readFile("/proc/meminfo");
  const char* line = ::strstr(text.cStr(), "MemAvailable:");
  unsigned long long kibibytes = 0;
  if (line == nullptr || sscanf(line, "MemAvailable: %llu kB", &kibibytes) != 1) {
    support::fail(Kind::UNSUPPORTED, "the kernel does not tell how much memory is available");
  }
  return kibibytes << 10;
}

uint64_t residentBytes(const ProcessRef& hog) {
  auto text = readFile(kj::str("/proc/", hog.pid, "/statm"));
  unsigned long long pages = 0;
  if (sscanf(text.cStr(), "%*u %llu", &pages) != 1) return 0;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// How much the threads of a hog have run, but for its first one, which looks at its parent.
struct Used {
  size_t threads = 0;
  // How long the thread has run that has run least.
  uint64_t leastTicks = UINT64_MAX;
  uint64_t ticks = 0;
};
Used usedBy(const ProcessRef& hog) {
  Used used;
  auto tasks = kj::str("/proc/", hog.pid, "/task");
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(tasks.cStr()), ::closedir);
  if (directory == nullptr) return used;
  while (auto* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.' || ::atoi(entry->d_name) == hog.pid) continue;
    auto text = readFile(kj::str(tasks, "/", entry->d_name, "/stat"), 4096);
    const char* close = ::strrchr(text.cStr(), ')');
    unsigned long long user = 0, system = 0;
    if (close == nullptr ||
        sscanf(close + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &system) != 2) {
      continue;
    }
    ++used.threads;
    used.ticks += user + system;
    used.leastTicks = kj::min(used.leastTicks, uint64_t{user + system});
  }
  return used;
}

ProcessRef startHog(kj::StringPtr program, kj::StringPtr kind, uint64_t amount) {
  kj::AutoCloseFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto words = kj::arr(kj::str(kHogArgument), kj::str(kind), kj::str(amount), kj::str(::getpid()));
  OwnProgram own{program, words, null, null, null, kOomScore};
  return startOwnProgram(own, kind, kStartMaxNs);
}

class HogEffect : public LocalEffect {
 public:
  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    for (auto& hog : processesIn(lines)) {
      shown.isThere = shown.isWorking = lives(hog);
      if (shown.isThere) shown.witness = witnessOf(hog);
    }
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown = read(lines);
    for (auto& hog : processesIn(lines)) killOwnProcess(hog);
    return shown;
  }

 protected:
  virtual kj::String witnessOf(const ProcessRef& hog) const = 0;

  // Starts the hog and waits until it has what it shall use.
  static void use(kj::StringPtr program, kj::StringPtr kind, uint64_t amount,
                  RememberLines& remember, kj::FunctionParam<bool(const ProcessRef&)> isUsed) {
    // It ends with the keeper, so nothing has to be remembered before it is there.
    ProcessRef hog = startHog(program, kind, amount);
    KJ_ON_SCOPE_FAILURE(killOwnProcess(hog));
    remember(kj::arr(lineOf(hog)));
    bool wasAlive = true;
    bool isDone = lookUntil(kUseMaxNs, [&]() {
      wasAlive = lives(hog);
      return !wasAlive || isUsed(hog);
    });
    if (!wasAlive) support::fail(Kind::SYSTEM, "the process that uses up ", kind, " was ended");
    if (!isDone) {
      support::fail(Kind::SYSTEM, "the process that uses up ", kind, " has not reached ", amount,
                    " in 20 s");
    }
  }
};

class MemoryEffect final : public HogEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    uint64_t available = availableBytes();
    uint64_t bytes = spec.amount;
    if (bytes == 0) bytes = available > spec.leave ? available - spec.leave : 0;
    if (bytes == 0 || bytes > available) {
      support::fail(Kind::CONFLICT, "the node has ", available, " bytes of memory available, ",
                    spec.amount == 0 ? "no more than are to be left" : "less than are to be used");
    }
    use(host.program, kMemoryHog, bytes, remember,
        [bytes](const ProcessRef& hog) { return residentBytes(hog) >= bytes; });
  }

 private:
  kj::String witnessOf(const ProcessRef& hog) const override {
    return kj::str(residentBytes(hog) >> 20, " MiB resident in process ", hog.pid, ", ",
                   availableBytes() >> 20, " MiB available");
  }
};

class CpuEffect final : public HogEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    size_t threads = spec.amount;
    use(host.program, kCpuHog, threads, remember, [threads](const ProcessRef& hog) {
      Used used = usedBy(hog);
      return used.threads == threads && used.leastTicks > 0;
    });
  }

 private:
  kj::String witnessOf(const ProcessRef& hog) const override {
    Used used = usedBy(hog);
    auto perSecond = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    return kj::str(used.threads, " threads of process ", hog.pid, " have used ",
                   used.ticks / perSecond, " s");
  }
};

}  // namespace

const LocalEffect& memoryEffect() {
  static const MemoryEffect kEffect;
  return kEffect;
}

const LocalEffect& cpuEffect() {
  static const CpuEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
