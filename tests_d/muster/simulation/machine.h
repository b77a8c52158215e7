// The computer under a simulated agent, with processes that follow a program, a disk and clocks.
//
// It knows what really happened, which the model compares with the reports.
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

// Returns a part of the bytes that a command writes or is fed. Every byte follows from command,
// stream and offset, so that a byte which is lost, doubled or moved is seen.
std::string patternOf(uint64_t token, unsigned stream, uint64_t offset, size_t count);

struct Action {
  enum class Kind { kPrint, kSleep, kRead };
  Kind kind = Kind::kSleep;
  unsigned stream = kOutput;  // The stream that kPrint writes.
  uint64_t amount = 0;        // Bytes, or nanoseconds. kRead reads to the end with UINT64_MAX.
};

enum class OnTerm { kDie, kIgnore, kEndByItself };

// The behaviour of a command, whose token stands in its arguments.
struct Program {
  std::vector<Action> actions;
  int exitStatus = 0;
  int endsBySignal = 0;  // A signal that ends it instead of an exit. 0 is none.
  int startErrno = 0;    // The errno of its execution. 0 is a success.
  bool forkFails = false;
  int64_t startNs = 0;  // The time from fork to execution.
  OnTerm onTerm = OnTerm::kDie;
  int64_t endByItselfNs = 0;
  int64_t deathNs = 0;  // The time from KILL to its end.
  // A child lives on when the command has ended, and holds its pipes.
  bool leavesChild = false;
  int64_t childLifeNs = 0;
  uint64_t childPrintsBytes = 0;
  // Grace and deadline of its specification.
  int64_t graceNs = 0;
  int64_t deadlineNs = 0;
};

// The true history of a command.
struct Life {
  unsigned executions = 0;
  int64_t startedNs = -1;
  int64_t endedNs = -1;  // The end of the first process.
  nodeagent::ExitReport exit;
  uint64_t printed[2] = {0, 0};
  uint64_t inputRead = 0;
  bool inputEnded = false;
  uint64_t inputTotal = UINT64_MAX;  // The length of the input, as its writer announced it.
  unsigned alive = 0;                // The number of its processes that live.
  int64_t termedNs = -1;
  int64_t killedNs = -1;
  bool killedByMachine = false;  // A reboot or the sweep of a new keeper ended it.
  bool mayDieHard = false;       // Its user asked for less grace, or for a limit without grace.
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

  // The behaviour and the true history of a command, by its token.
  Program& program(uint64_t token) { return programs_[token]; }
  Life& life(uint64_t token) { return lives_[token]; }

  const std::map<uint64_t, Life>& lives() const { return lives_; }

  // The process sets and the disk of one keeper.
  kj::Own<nodeagent::ProcessSets> makeSets();
  kj::Own<nodeagent::ScratchDisk> makeDisk();
  void setDiskFaults(DiskFaults faults) { diskFaults_ = faults; }

  // Cuts the keeper that is about to be killed off from its processes, so that its destructors
  // reach none.
  void abandonAll();

  // Ends every process at once, as a reboot does, or the next keeper, which finds them in its
  // groups.
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
  pid_t nextPid_ = 5'000'000;  // No kernel gives such numbers, so no real process can be meant.
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
