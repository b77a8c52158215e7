// One simulated process, which follows its program over real pipes and dies by signals.
#pragma once

#include <memory>

#include "tests_d/muster/simulation/machine.h"

namespace simulation {

class Process {
 public:
  Process(Machine& machine, pid_t pid, uint64_t token);
  KJ_DISALLOW_COPY(Process);

  pid_t pid() const { return pid_; }
  uint64_t token() const { return token_; }
  bool isAlive() const { return alive_; }
  bool isReaped() const { return reaped_; }
  kj::Maybe<nodeagent::ExitReport> reap();

  // Duplicates the descriptors, as a fork does.
  void openFiles(int input, int output, int errors);
  void setSet(SimulatedSet* set) { set_ = set; }
  int endedFd() const { return endedFd_; }

  // Begins the program, or fails to, once its start time has passed.
  void startLater();

  // Tells whether the start has succeeded or failed.
  bool isStarted() const { return started_; }
  int startErrno() const { return startErrno_; }

  void signal(int number);

  // Says that the keeper which started the process is gone. Its signals have no effect any more.
  void abandon() { abandoned_ = true; }

  // Ends the process at once, by a cause that is not in its program.
  void vanish(int signalNumber);

 private:
  kj::Promise<void> start();
  kj::Promise<void> follow(size_t action);
  kj::Promise<void> print(unsigned stream, uint64_t left);
  kj::Promise<void> read(uint64_t left);
  void takeInput(const char* bytes, size_t count);
  void fork();
  void kill(int number);
  void end(nodeagent::ExitReport exit);
  void endBySignal(int number);
  kj::UnixEventPort::FdObserver& observer(unsigned stream);

  Machine& machine_;
  World& world_;
  pid_t pid_;
  uint64_t token_;
  Life& life_;
  SimulatedSet* set_ = nullptr;
  bool alive_ = true;
  bool reaped_ = false;
  bool started_ = false;
  bool isChild_ = false;
  bool abandoned_ = false;
  bool doomed_ = false;  // It was killed, and has not ended yet.
  int startErrno_ = 0;
  nodeagent::ExitReport exit_;
  kj::AutoCloseFd endedFd_;
  kj::AutoCloseFd files_[3];  // The pipes, by stream.
  kj::Own<kj::UnixEventPort::FdObserver> observers_[3];
  kj::Maybe<kj::Promise<void>> running_;
  kj::Maybe<kj::Promise<void>> dying_;
};

// The processes of one job.
class SimulatedSet final : public nodeagent::ProcessSet {
 public:
  explicit SimulatedSet(Machine& machine);
  ~SimulatedSet() noexcept(false) override;

  void begin(pid_t leader) override;
  bool isSurelyEmpty() override { return alive().empty(); }
  kj::Promise<kj::Vector<pid_t>> list() override { return alive(); }
  kj::Promise<void> signalAll(kj::Array<int> signals) override;
  void killAll() override;
  kj::Promise<void> whenEmpty() override;

  void add(Process& process);
  void ended();

 private:
  kj::Vector<pid_t> alive();

  Machine& machine_;
  std::vector<Process*> members_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> empty_;
};

}  // namespace simulation
