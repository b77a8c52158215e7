// The computer under a simulated agent: processes that follow a program, a disk, clocks. It knows
// what really happened, which the model compares with what was reported.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include <kj/io.h>

#include "nodeagent/os/platform.h"
#include "tests_d/muster/simulation/world.h"

namespace simulation {

// The streams of a command, for its pattern.
constexpr unsigned kOutput = 0;
constexpr unsigned kErrors = 1;
constexpr unsigned kInput = 2;

// What a command writes and is fed: every byte follows from command, stream and offset, so that one
// which is lost, doubled or moved is seen.
std::string patternOf(uint64_t token, unsigned stream, uint64_t offset, size_t count);

struct Action {
  enum class Kind { kPrint, kSleep, kRead };
  Kind kind = Kind::kSleep;
  unsigned stream = kOutput;  // kPrint alone has one.
  uint64_t amount = 0;        // Bytes, or nanoseconds. For kRead UINT64_MAX is until end of file.
};

enum class OnTerm { kDie, kIgnore, kEndByItself };

// What a command does. Its token stands in its arguments.
struct Program {
  std::vector<Action> actions;
  int exitStatus = 0;
  int endsBySignal = 0;  // Instead of exiting.
  int startErrno = 0;    // Cannot be executed.
  bool forkFails = false;
  int64_t startNs = 0;  // Until it runs.
  OnTerm onTerm = OnTerm::kDie;
  int64_t endByItselfNs = 0;
  int64_t deathNs = 0;  // From KILL to its end.
  // A child that lives on when the command has ended, and holds its pipes.
  bool leavesChild = false;
  int64_t childLifeNs = 0;
  uint64_t childPrintsBytes = 0;
  // As in its specification:
  int64_t graceNs = 0;
  int64_t deadlineNs = 0;
};

// What became of it in truth.
struct Life {
  unsigned executions = 0;
  int64_t startedNs = -1;
  int64_t endedNs = -1;  // When the first process ended.
  nodeagent::ExitReport exit;
  uint64_t printed[2] = {0, 0};
  uint64_t inputRead = 0;
  bool inputEnded = false;
  uint64_t inputTotal = UINT64_MAX;  // What its writer said that the end would be.
  unsigned alive = 0;                // Processes.
  int64_t termedNs = -1;
  int64_t killedNs = -1;
  bool killedByMachine = false;  // By reboot or by the sweep of a new keeper.
  bool mayDieHard = false;       // Its user asked for less grace, or for a limit that gives none.
  bool mayDieEarly = false;      // Its user signalled it, perhaps before it ran.
  bool merged = false;           // Errors go to the output.
};

struct DiskFaults {
  unsigned fullPercent = 0;
  unsigned tornPercent = 0;
  unsigned rottenPercent = 0;
};

class Process;
class SimulatedSet;

class Machine final : public nodeagent::Spawner, public nodeagent::Clock {
 public:
  explicit Machine(World& world);
  ~Machine() noexcept(false) override;

  World& world() { return world_; }

  // A command's program and life, by token.
  Program& program(uint64_t token) { return programs_[token]; }
  Life& life(uint64_t token) { return lives_[token]; }

  const std::map<uint64_t, Life>& lives() const { return lives_; }

  // For one keeper.
  kj::Own<nodeagent::ProcessSets> makeSets();
  kj::Own<nodeagent::ScratchDisk> makeDisk();
  void setDiskFaults(DiskFaults faults) { diskFaults_ = faults; }

  // The keeper is about to be killed: whatever its destructors do, it reaches no process any more.
  void abandonAll();

  // Every process ends at once: of a reboot, or by the next keeper, which finds them in its groups.
  void endAll();

  size_t aliveCount() const;
  std::vector<uint64_t> aliveTokens() const;
  size_t setCount() const { return sets_.size(); }
  size_t fileCount() const { return files_; }

  void suspend(int64_t ns) { suspendedNs_ += ns; }
  void setWallClock(int64_t offsetNs) { wallOffsetNs_ = offsetNs; }

  int64_t boottimeNs() const override;
  int64_t monotonicNs() const override;
  int64_t realtimeNs() const override;

  kj::OneOf<kj::Own<nodeagent::Launch>, nodeagent::SpawnFailure> launch(
      const nodeagent::SpawnOptions& options) override;
  kj::Maybe<nodeagent::ExitReport> reap(int pidfd) override;
  int signal(int pidfd, int number) override;

 private:
  friend class Process;
  friend class SimulatedLaunch;
  friend class SimulatedSet;
  friend class SimulatedDisk;
  friend class SimulatedFile;

  Process& newProcess(uint64_t token);
  Process* find(pid_t pid);

  World& world_;
  std::map<uint64_t, Program> programs_;
  std::map<uint64_t, Life> lives_;
  std::map<pid_t, kj::Own<Process>> processes_;
  std::map<int, pid_t> byPidfd_;
  std::vector<SimulatedSet*> sets_;
  DiskFaults diskFaults_;
  size_t files_ = 0;
  pid_t nextPid_ = 5'000'000;  // Beyond what a kernel gives, so that nobody real is meant.
  int64_t suspendedNs_ = 0;
  int64_t wallOffsetNs_ = 0;
};

// Calls tasks at once, on the loop's own thread.
class InlineWorker final : public nodeagent::Worker {
 protected:
  void post(kj::Function<void()> task) override { task(); }
};

// The machine as a keeper's services see it.
class SimulatedPlatform final : public nodeagent::Platform {
 public:
  explicit SimulatedPlatform(Machine& machine) : machine_(machine) {}

  const nodeagent::Clock& clock() override { return machine_; }
  nodeagent::Spawner& spawner() override { return machine_; }
  kj::Own<nodeagent::ProcessSets> makeProcessSets(kj::StringPtr) override {
    return machine_.makeSets();
  }
  kj::Own<nodeagent::ScratchDisk> openScratchDisk(kj::StringPtr) override {
    return machine_.makeDisk();
  }
  kj::Own<nodeagent::Worker> makeWorker(size_t) override { return kj::heap<InlineWorker>(); }

 private:
  Machine& machine_;
};

}  // namespace simulation
