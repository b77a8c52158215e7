#include "tests_d/muster/simulation/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include <kj/debug.h>

namespace simulation {
namespace {

constexpr size_t kPrintBytes = 4096;

kj::AutoCloseFd makeEvent() {
  int fd;
  KJ_SYSCALL(fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return kj::AutoCloseFd(fd);
}

void raise(int fd) {
  uint64_t one = 1;
  KJ_ASSERT(write(fd, &one, sizeof one) == sizeof one);
}

kj::AutoCloseFd ownCopy(int fd) {
  int copy;
  KJ_SYSCALL(copy = fcntl(fd, F_DUPFD_CLOEXEC, 3));
  KJ_SYSCALL(fcntl(copy, F_SETFL, O_NONBLOCK));
  return kj::AutoCloseFd(copy);
}

void mustNotFail(kj::Exception&& exception) {
  KJ_LOG(ERROR, "a simulated process failed", exception);
}

}  // namespace

Process::Process(Machine& machine, pid_t pid, uint64_t token)
    : machine_(machine),
      world_(machine.world()),
      pid_(pid),
      token_(token),
      life_(machine.life(token)),
      endedFd_(makeEvent()) {
  ++life_.alive;
}

kj::Maybe<nodeagent::ExitReport> Process::reap() {
  if (alive_) return nullptr;
  reaped_ = true;
  return exit_;
}

void Process::openFiles(int input, int output, int errors) {
  files_[kInput] = ownCopy(input);
  files_[kOutput] = ownCopy(output);
  files_[kErrors] = ownCopy(errors);
}

void Process::startLater() {
  running_ = world_.after(machine_.program(token_).startNs)
                 .then([this]() { return start(); })
                 .eagerlyEvaluate(mustNotFail);
}

kj::Promise<void> Process::start() {
  Program& program = machine_.program(token_);
  started_ = true;
  startErrno_ = program.startErrno;
  if (startErrno_ != 0) {
    world_.note("exec fails", token_, startErrno_);
    nodeagent::ExitReport exit;
    exit.value = 127;
    end(exit);
    return kj::READY_NOW;
  }
  world_.note("exec", token_);
  if (life_.startedNs < 0) life_.startedNs = world_.nowNs();
  if (++life_.executions > 1) {
    world_.violated("I2", "command " + std::to_string(token_) + " was executed twice");
  }
  if (program.leavesChild) fork();
  return follow(0);
}

kj::Promise<void> Process::follow(size_t index) {
  Program& program = machine_.program(token_);
  if (index == program.actions.size()) {
    nodeagent::ExitReport exit;
    exit.signalled = program.endsBySignal != 0;
    exit.value = exit.signalled ? program.endsBySignal : program.exitStatus;
    end(exit);
    return kj::READY_NOW;
  }
  const Action& action = program.actions[index];
  auto next = [this, index]() -> kj::Promise<void> {
    if (!alive_) return kj::READY_NOW;
    return follow(index + 1);
  };
  switch (action.kind) {
    case Action::Kind::kPrint:
      return print(life_.merged ? kOutput : action.stream, action.amount).then(kj::mv(next));
    case Action::Kind::kSleep:
      return world_.after(static_cast<int64_t>(action.amount)).then(kj::mv(next));
    case Action::Kind::kRead:
      return read(action.amount).then(kj::mv(next));
  }
  KJ_UNREACHABLE;
}

kj::UnixEventPort::FdObserver& Process::observer(unsigned stream) {
  using Observer = kj::UnixEventPort::FdObserver;
  if (observers_[stream].get() == nullptr) {
    observers_[stream] =
        kj::heap<Observer>(world_.pipes(), files_[stream].get(),
                           stream == kInput ? Observer::OBSERVE_READ : Observer::OBSERVE_WRITE);
  }
  return *observers_[stream];
}

kj::Promise<void> Process::print(unsigned stream, uint64_t left) {
  while (left > 0) {
    size_t count = std::min<uint64_t>(left, kPrintBytes);
    std::string bytes = patternOf(token_, stream, life_.printed[stream], count);
    ssize_t written = write(files_[stream].get(), bytes.data(), count);
    if (written < 0 && errno == EAGAIN) {
      world_.count(Event::kOutputBlocked);
      return observer(stream).whenBecomesWritable().then([this, stream, left]() {
        return alive_ ? print(stream, left) : kj::Promise<void>(kj::READY_NOW);
      });
    }
    if (written < 0) {  // The pipe has lost its reader.
      endBySignal(SIGPIPE);
      return kj::READY_NOW;
    }
    life_.printed[stream] += static_cast<uint64_t>(written);
    left -= static_cast<uint64_t>(written);
  }
  return kj::READY_NOW;
}

kj::Promise<void> Process::read(uint64_t left) {
  while (left > 0) {
    char buffer[4096];
    ssize_t count = ::read(files_[kInput].get(), buffer, std::min<uint64_t>(left, sizeof buffer));
    if (count < 0 && errno == EAGAIN) {
      return observer(kInput).whenBecomesReadable().then(
          [this, left]() { return alive_ ? read(left) : kj::Promise<void>(kj::READY_NOW); });
    }
    if (count <= 0) {
      life_.inputEnded = true;
      if (!abandoned_ && life_.inputTotal != UINT64_MAX && life_.inputRead != life_.inputTotal) {
        world_.violated("I1", "command " + std::to_string(token_) +
                                  " met the end of its input at " +
                                  std::to_string(life_.inputRead) + " of " +
                                  std::to_string(life_.inputTotal) + " bytes");
      }
      return kj::READY_NOW;
    }
    takeInput(buffer, static_cast<size_t>(count));
    left -= static_cast<uint64_t>(count);
  }
  return kj::READY_NOW;
}

void Process::takeInput(const char* bytes, size_t count) {
  if (patternOf(token_, kInput, life_.inputRead, count) != std::string(bytes, count)) {
    world_.violated("I1", "command " + std::to_string(token_) +
                              " was fed other bytes from offset " +
                              std::to_string(life_.inputRead));
  }
  life_.inputRead += count;
}

void Process::fork() {
  Program& program = machine_.program(token_);
  Process& child = machine_.newProcess(token_);
  child.isChild_ = true;
  child.started_ = true;
  child.openFiles(files_[kInput], files_[kOutput], files_[kErrors]);
  if (set_ != nullptr) set_->add(child);
  int64_t before = program.childLifeNs / 2;
  child.running_ =
      world_.after(before)
          .then([&child, &program]() { return child.print(kOutput, program.childPrintsBytes); })
          .then([&child, before]() { return child.world_.after(before); })
          .then([&child]() {
            if (child.alive_) child.end({});
          })
          .eagerlyEvaluate(mustNotFail);
}

void Process::signal(int number) {
  if (!alive_ || doomed_ || abandoned_) return;
  Program& program = machine_.program(token_);
  if (number == SIGKILL) return kill(number);
  if (number != SIGTERM) return;  // The programs ignore all other signals.
  if (!isChild_ && life_.termedNs < 0) life_.termedNs = world_.nowNs();
  switch (program.onTerm) {
    case OnTerm::kDie:
      return kill(number);
    case OnTerm::kIgnore:
      world_.count(Event::kTermIgnored);
      return;
    case OnTerm::kEndByItself:
      if (dying_ != nullptr) return;
      world_.count(Event::kTermHandled);
      dying_ = world_.after(program.endByItselfNs)
                   .then([this]() {
                     if (!alive_) return;
                     running_ = nullptr;
                     nodeagent::ExitReport exit;
                     exit.value = machine_.program(token_).exitStatus;
                     end(exit);
                   })
                   .eagerlyEvaluate(mustNotFail);
  }
}

void Process::kill(int number) {
  Program& program = machine_.program(token_);
  doomed_ = true;
  if (number == SIGKILL && !isChild_ && life_.killedNs < 0) life_.killedNs = world_.nowNs();
  running_ = nullptr;
  dying_ = nullptr;
  if (program.deathNs == 0) return endBySignal(number);
  world_.count(Event::kSlowDeath);
  dying_ = world_.after(program.deathNs)
               .then([this, number]() { endBySignal(number); })
               .eagerlyEvaluate(mustNotFail);
}

void Process::vanish(int number) {
  if (!alive_) return;
  running_ = nullptr;
  dying_ = nullptr;
  life_.killedByMachine = true;
  endBySignal(number);
}

void Process::endBySignal(int number) {
  nodeagent::ExitReport exit;
  exit.signalled = true;
  exit.value = number;
  end(exit);
}

void Process::end(nodeagent::ExitReport exit) {
  if (!alive_) return;
  alive_ = false;
  exit_ = exit;
  --life_.alive;
  if (!isChild_) {
    life_.endedNs = world_.nowNs();
    life_.exit = exit;
    world_.note("ends", token_, exit.signalled ? 1 : 0, static_cast<uint64_t>(exit.value));
  }
  started_ = true;  // A start that is still under way is over, too.
  for (auto& one : observers_) one = nullptr;
  for (auto& file : files_) file = nullptr;
  raise(endedFd_);
  if (set_ != nullptr) set_->ended();
}

SimulatedSet::SimulatedSet(Machine& machine) : machine_(machine) {
  machine_.sets_.push_back(this);
}

SimulatedSet::~SimulatedSet() noexcept(false) {
  for (Process* member : members_) {
    member->setSet(nullptr);
    member->signal(SIGKILL);
  }
  std::erase(machine_.sets_, this);
}

void SimulatedSet::add(Process& process) {
  members_.push_back(&process);
  process.setSet(this);
}

void SimulatedSet::begin(pid_t leader) {
  Process* process = machine_.find(leader);
  KJ_REQUIRE(process != nullptr);
  add(*process);
}

kj::Vector<pid_t> SimulatedSet::alive() {
  kj::Vector<pid_t> pids;
  for (Process* member : members_) {
    if (member->isAlive()) pids.add(member->pid());
  }
  return pids;
}

kj::Promise<void> SimulatedSet::signalAll(kj::Array<int> signals) {
  for (int number : signals) {
    for (size_t i = 0; i < members_.size(); ++i) members_[i]->signal(number);
  }
  return kj::READY_NOW;
}

void SimulatedSet::killAll() {
  for (size_t i = 0; i < members_.size(); ++i) members_[i]->signal(SIGKILL);
}

kj::Promise<void> SimulatedSet::whenEmpty() {
  if (isSurelyEmpty()) return kj::READY_NOW;
  auto pair = kj::newPromiseAndFulfiller<void>();
  empty_ = kj::mv(pair.fulfiller);
  return kj::mv(pair.promise);
}

void SimulatedSet::ended() {
  if (!isSurelyEmpty()) return;
  KJ_IF_MAYBE (fulfiller, empty_) (*fulfiller)->fulfill();
  empty_ = nullptr;
}

}  // namespace simulation
