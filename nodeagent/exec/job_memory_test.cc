// Tries how a command is reported that the kernel may have killed for lack of memory. The answers
// of the kernel are made up here, because not every machine's kernel gives them.
#include <signal.h>

#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using OutOfMemory = wire::JobOutcome::OutOfMemory;

// Wraps a real process set and replaces the kernel's answer.
class TellingSet final : public ProcessSet {
 public:
  TellingSet(kj::Own<ProcessSet> own, const MemoryKill& said) : own_(kj::mv(own)), said_(said) {}

  int cgroupFd() const override { return own_->cgroupFd(); }
  kj::StringPtr marker() const override { return own_->marker(); }
  void begin(pid_t leader) override { own_->begin(leader); }
  bool isSurelyEmpty() override { return own_->isSurelyEmpty(); }
  kj::Promise<kj::Vector<pid_t>> list() override { return own_->list(); }
  kj::Promise<void> signalAll(kj::Array<int> signals) override {
    return own_->signalAll(kj::mv(signals));
  }
  void killAll() override { own_->killAll(); }
  kj::Promise<void> whenEmpty() override { return own_->whenEmpty(); }
  MemoryKill memoryKill(pid_t, int64_t) override { return said_; }

 private:
  kj::Own<ProcessSet> own_;
  const MemoryKill& said_;
};

class TellingSets final : public ProcessSets {
 public:
  TellingSets(kj::Own<ProcessSets> own, const MemoryKill& said) : own_(kj::mv(own)), said_(said) {}

  kj::Own<ProcessSet> make(uint64_t owner) override {
    return kj::heap<TellingSet>(own_->make(owner), said_);
  }
  kj::String markerOf(uint64_t owner) const override { return own_->markerOf(owner); }
  kj::StringPtr kind() const override { return own_->kind(); }

 private:
  kj::Own<ProcessSets> own_;
  const MemoryKill& said_;
};

class JobMemoryTest : public JobFixture {
 protected:
  JobMemoryTest() {
    tells_ = true;
    openTable(JobLimits());
    openSession();
  }
  kj::Own<ProcessSets> makeSets() override {
    auto own = JobFixture::makeSets();
    return tells_ ? kj::heap<TellingSets>(kj::mv(own), said_) : kj::mv(own);
  }
  OutOfMemory saidOf(const char* signal) {
    auto result = run(shell(std::string("kill -") + signal + " $$"));
    EXPECT_EQ(result->outcome().which(), wire::JobOutcome::SIGNALLED);
    return result->outcome().getSignalled().getOutOfMemory();
  }

  MemoryKill said_ = MemoryKill::kUnknown;
  bool tells_ = false;
};

TEST_F(JobMemoryTest, TheOutcomeHasTheKernelsAnswerAboutAKill) {
  for (auto [said, told] : {std::pair(MemoryKill::kYes, OutOfMemory::YES),
                            std::pair(MemoryKill::kPerhaps, OutOfMemory::PERHAPS),
                            std::pair(MemoryKill::kNo, OutOfMemory::NO),
                            std::pair(MemoryKill::kUnknown, OutOfMemory::UNKNOWN)}) {
    said_ = said;
    EXPECT_EQ(saidOf("KILL"), told);
  }
}

TEST_F(JobMemoryTest, AnotherSignalIsNotAMemoryKill) {
  said_ = MemoryKill::kYes;
  EXPECT_EQ(saidOf("SEGV"), OutOfMemory::NO);
}

}  // namespace
}  // namespace nodeagent::exec
