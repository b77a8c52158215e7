#include "tests_d/muster/simulation/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include <kj/debug.h>

#include "tests_d/muster/simulation/process.h"

namespace simulation {
namespace {

constexpr int64_t kBootedNs = 1'000 * kSecond;
constexpr int64_t kWallNs = 1'700'000'000 * kSecond;

class SimulatedSets final : public nodeagent::ProcessSets {
 public:
  explicit SimulatedSets(Machine& machine) : machine_(machine) {}
  kj::Own<nodeagent::ProcessSet> make(uint64_t) override {
    return kj::heap<SimulatedSet>(machine_);
  }
  kj::String markerOf(uint64_t) const override { return kj::String(); }
  kj::StringPtr kind() const override { return "simulated"; }

 private:
  Machine& machine_;
};

}  // namespace

std::string patternOf(uint64_t token, unsigned stream, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  uint64_t key = mixed(token * 4 + stream);
  uint64_t word = mixed(key + offset / 8);
  for (size_t i = 0; i < count; ++i) {
    uint64_t at = offset + i;
    if (at % 8 == 0) word = mixed(key + at / 8);
    bytes[i] = static_cast<char>(word >> (8 * (at % 8)));
  }
  return bytes;
}

// The launch of one process.
class SimulatedLaunch final : public nodeagent::Launch {
 public:
  SimulatedLaunch(Machine& machine, Process& process) : machine_(machine), process_(process) {}
  ~SimulatedLaunch() noexcept(false) override {
    if (!process_.isStarted()) process_.signal(SIGKILL);
  }

  pid_t pid() const override { return process_.pid(); }
  kj::AutoCloseFd takePidfd() override {
    int copy;
    KJ_SYSCALL(copy = fcntl(process_.endedFd(), F_DUPFD_CLOEXEC, 3));
    machine_.byPidfd_[copy] = process_.pid();
    return kj::AutoCloseFd(copy);
  }
  kj::Maybe<kj::Maybe<nodeagent::SpawnFailure>> outcome() override {
    if (!process_.isStarted()) return nullptr;
    kj::Maybe<nodeagent::SpawnFailure> failure;
    if (process_.startErrno() != 0) {
      failure = nodeagent::SpawnFailure{nodeagent::SpawnStage::kExec, process_.startErrno(), 0};
    }
    return kj::mv(failure);
  }

 private:
  Machine& machine_;
  Process& process_;
};

class SimulatedFile final : public nodeagent::ScratchFile {
 public:
  explicit SimulatedFile(Machine& machine) : machine_(machine) {}

  bool make() override {
    if (happens(machine_.diskFaults_.fullPercent, Event::kDiskFull)) return false;
    isMade_ = true;
    ++machine_.files_;
    machine_.world_.count(Event::kSpilled);
    return true;
  }

  bool hasCapacity(uint64_t) override {
    return !happens(machine_.diskFaults_.fullPercent, Event::kDiskFull);
  }

  bool write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes) override {
    bool torn = happens(machine_.diskFaults_.tornPercent, Event::kDiskTorn);
    size_t count = torn ? bytes.size() / 2 : bytes.size();
    if (content_.size() < position + count) content_.resize(position + count);
    memcpy(content_.data() + position, bytes.begin(), count);
    return !torn;
  }

  void read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) override {
    KJ_REQUIRE(position + bytes.size() <= content_.size(), "read beyond what was written");
    memcpy(bytes.begin(), content_.data() + position, bytes.size());
    if (happens(machine_.diskFaults_.rottenPercent, Event::kDiskRotten)) bytes[0] ^= 0x40;
  }

  void close() override {}

  void remove() override {
    if (isMade_) --machine_.files_;
  }

 private:
  bool happens(unsigned percent, Event event) {
    if (percent == 0 || !machine_.world_.random().chance(percent)) return false;
    machine_.world_.noteAndCount(event);
    return true;
  }

  Machine& machine_;
  bool isMade_ = false;
  std::string content_;
};

class SimulatedDisk final : public nodeagent::ScratchDisk {
 public:
  explicit SimulatedDisk(Machine& machine) : machine_(machine) {}
  kj::Own<nodeagent::ScratchFile> newFile() override { return kj::heap<SimulatedFile>(machine_); }

 private:
  Machine& machine_;
};

Machine::Machine(World& world) : world_(world) {}

Machine::~Machine() noexcept(false) {
  endAll();
}

kj::Own<nodeagent::ProcessSets> Machine::makeSets() {
  return kj::heap<SimulatedSets>(*this);
}

kj::Own<nodeagent::ScratchDisk> Machine::makeDisk() {
  return kj::heap<SimulatedDisk>(*this);
}

void Machine::abandonAll() {
  for (auto& [pid, process] : processes_) process->abandon();
}

void Machine::endAll() {
  for (auto& [pid, process] : processes_) process->vanish(SIGKILL);
}

size_t Machine::aliveCount() const {
  return static_cast<size_t>(std::count_if(processes_.begin(), processes_.end(),
                                           [](auto& each) { return each.second->isAlive(); }));
}

std::vector<uint64_t> Machine::aliveTokens() const {
  std::vector<uint64_t> tokens;
  for (auto& [pid, process] : processes_) {
    if (process->isAlive()) tokens.push_back(process->token());
  }
  return tokens;
}

int64_t Machine::boottimeNs() const {
  return kBootedNs + world_.nowNs() + suspendedNs_;
}
int64_t Machine::monotonicNs() const {
  return world_.nowNs();
}
int64_t Machine::realtimeNs() const {
  return kWallNs + world_.nowNs() + suspendedNs_ + wallOffsetNs_;
}

Process& Machine::newProcess(uint64_t token) {
  pid_t pid = nextPid_++;
  return *processes_.emplace(pid, kj::heap<Process>(*this, pid, token)).first->second;
}

Process* Machine::find(pid_t pid) {
  auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : found->second.get();
}

kj::OneOf<kj::Own<nodeagent::Launch>, nodeagent::SpawnFailure> Machine::launch(
    const nodeagent::SpawnOptions& options) {
  KJ_REQUIRE(options.argv.size() == 2, "not a simulated command");
  uint64_t token = strtoull(options.argv[1].cStr(), nullptr, 10);
  Program& program = programs_.at(token);
  if (program.forkFails) {
    world_.note("fork fails", token);
    return nodeagent::SpawnFailure{nodeagent::SpawnStage::kClone, EAGAIN, 0};
  }
  Process& process = newProcess(token);
  process.openFiles(options.input, options.output, options.errors);
  life(token).merged = options.output == options.errors;
  process.startLater();
  return kj::Own<nodeagent::Launch>(kj::heap<SimulatedLaunch>(*this, process));
}

kj::Maybe<nodeagent::ExitReport> Machine::reap(int pidfd) {
  auto found = byPidfd_.find(pidfd);
  KJ_REQUIRE(found != byPidfd_.end(), "not a process of this machine");
  auto exit = find(found->second)->reap();
  if (exit != nullptr) byPidfd_.erase(found);
  return exit;
}

int Machine::signal(int pidfd, int number) {
  auto found = byPidfd_.find(pidfd);
  KJ_REQUIRE(found != byPidfd_.end(), "not a process of this machine");
  Process* process = find(found->second);
  if (!process->isAlive()) return ESRCH;
  process->signal(number);
  return 0;
}

}  // namespace simulation
