// Tries how a command is reported that the kernel may have killed for lack of memory. The answers
// of the kernel are made up here, because not every machine's kernel gives them.
#include <signal.h>

#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using OutOfMemory = wire::JobOutcome::OutOfMemory;

// What the kernel answers.
struct Said {
  MemoryKill ofFirst = MemoryKill::kUnknown;
  uint64_t kills = 0;
};

// Wraps a real process set and replaces the kernel's answers.
class TellingSet final : public ProcessSet {
 public:
  TellingSet(kj::Own<ProcessSet> own, const Said& said) : own_(kj::mv(own)), said_(said) {}

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
  MemoryKill memoryKill(pid_t, int64_t) override { return said_.ofFirst; }
  uint64_t memoryKills() override { return said_.kills; }

 private:
  kj::Own<ProcessSet> own_;
  const Said& said_;
};

class TellingSets final : public ProcessSets {
 public:
  TellingSets(kj::Own<ProcessSets> own, const Said& said) : own_(kj::mv(own)), said_(said) {}

  kj::Own<ProcessSet> make(uint64_t owner) override {
    return kj::heap<TellingSet>(own_->make(owner), said_);
  }
  kj::String markerOf(uint64_t owner) const override { return own_->markerOf(owner); }
  kj::StringPtr kind() const override { return own_->kind(); }

 private:
  kj::Own<ProcessSets> own_;
  const Said& said_;
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

  // Opens a table that enters broken ends.
  void openTableOfDeaths() {
    closeTable();
    JobTable::Options options;
    options.sets = makeSets();
    options.deaths = &deaths_;
    table = kj::heap<JobTable>(port, timer(), systemClock(), worker, kj::mv(options));
    kept = kj::heap<KeptJobs>(*table);
    openSession();
  }

  Deaths deaths_;
  Said said_;
  bool tells_ = false;
};

TEST_F(JobMemoryTest, TheOutcomeHasTheKernelsAnswerAboutAKill) {
  for (auto [said, told] : {std::pair(MemoryKill::kYes, OutOfMemory::YES),
                            std::pair(MemoryKill::kPerhaps, OutOfMemory::PERHAPS),
                            std::pair(MemoryKill::kNo, OutOfMemory::NO),
                            std::pair(MemoryKill::kUnknown, OutOfMemory::UNKNOWN)}) {
    said_.ofFirst = said;
    EXPECT_EQ(saidOf("KILL"), told);
  }
}

TEST_F(JobMemoryTest, AnotherSignalIsNotAMemoryKill) {
  said_.ofFirst = MemoryKill::kYes;
  EXPECT_EQ(saidOf("SEGV"), OutOfMemory::NO);
}

TEST_F(JobMemoryTest, CommandThatWasKilledForLackOfMemoryIsEntered) {
  openTableOfDeaths();
  said_ = {MemoryKill::kYes, 1};
  run(shell("kill -KILL $$"));
  auto deaths = deaths_.since(0, session->id());
  ASSERT_EQ(deaths.size(), 1u);
  EXPECT_EQ(deaths[0].kind, Death::Kind::kCommand);
  EXPECT_TRUE(deaths[0].wasOutOfMemory);
  closeTable();
}

TEST_F(JobMemoryTest, ChildrenThatWereKilledForLackOfMemoryAreEntered) {
  openTableOfDeaths();
  said_ = {MemoryKill::kNo, 2};
  run(shell("exit 0"));
  ASSERT_TRUE(eventually([&]() { return deaths_.position() > 0; }));
  auto deaths = deaths_.since(0, session->id());
  EXPECT_EQ(deaths[0].kind, Death::Kind::kMemory);
  EXPECT_EQ(deaths[0].text, "2 of its processes");
  closeTable();
}

}  // namespace
}  // namespace nodeagent::exec
