// Tries faults of the node itself through the capability, on a child of the test: whatever ends
// them, it goes on.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>

#include "nodeagent/netfault/netfault_service.h"
#include "nodeagent/os/process.h"
#include "nodeagent/os/wait_testing.h"
#include "nodeagent/session/service_testing.h"
#include "schema/fault.capnp.h"
#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

using ::testing::HasSubstr;
using Kind = wire::Error::Kind;
using State = wire::FaultStatus::State;
using SpecBuilder = wire::FaultSpec::Builder;

constexpr int64_t kSecondNs = 1'000'000'000;

class LocalFaultsTest : public ::testing::Test {
 protected:
  LocalFaultsTest() {
    char path[] = "/tmp/localfault-XXXXXX";
    directory_ = mkdtemp(path);
    place_.host.stateDirectory = directory_.c_str();
    start();
    restart();
  }
  ~LocalFaultsTest() noexcept override {
    writeFifo();
    service_ = nullptr;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

  void start() {
    child_ = ::fork();
    if (child_ == 0) {
      ::execl("/bin/sleep", "sleep", "60", nullptr);
      ::_exit(127);
    }
    while (KJ_ASSERT_NONNULL(readProcess(child_)).command != "sleep") std::this_thread::yield();
  }
  // Has the child start another that waits for a writer of a pipe before it begins. Until then the
  // kernel lets its parent do nothing.
  void startUnstoppable() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ASSERT_EQ(::mkfifo(fifo().c_str(), 0600), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::execl("/usr/bin/python3", "python3", "-c",
              "import os, signal, sys\n"
              "os.posix_spawn('/bin/true', ['true'], {}, "
              "file_actions=[(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)])\n"
              "signal.pause()",
              fifo().c_str(), nullptr);
      ::_exit(127);
    }
    ASSERT_TRUE(becomesTrue([this] {
      return KJ_ASSERT_NONNULL(readProcess(child_)).state == 'D' &&
             KJ_ASSERT_NONNULL(childrenOf(child_)).size() == 1;
    }));
  }
  std::string fifo() const { return directory_ + "/fifo"; }
  // Lets what startUnstoppable has started go on.
  void writeFifo() const { ::close(::open(fifo().c_str(), O_WRONLY | O_NONBLOCK)); }
  // Says that a signal to stop waits for the child.
  bool isToldToStop() const {
    std::ifstream file("/proc/" + std::to_string(child_) + "/status");
    std::string word;
    while (file >> word && word != "ShdPnd:") {
    }
    file >> word;
    return (std::stoull(word, nullptr, 16) >> (SIGSTOP - 1) & 1) != 0;
  }
  static size_t recordCount(const std::string& state) {
    std::error_code none;
    auto files = std::filesystem::directory_iterator(state + "/faults", none);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  // What a killed keeper and its successor do: sessions are not ended.
  void restart() {
    service_ = makeNetfault(place_.host);
    list();
  }
  auto add(kj::Function<void(SpecBuilder)> change) {
    auto request = offered<wire::Faults>(*service_, *session_).addRequest();
    auto spec = request.initSpec();
    spec.setId(id_.data());
    spec.setTitle("pause");
    change(spec);
    return request.send().wait(io_.waitScope);
  }
  auto pause(int64_t holdNs = 0) {
    return add([&](SpecBuilder spec) {
      spec.setHoldNs(holdNs);
      spec.initEffect().initPause().setPid(child_);
    });
  }
  auto heal() {
    auto request = offered<wire::Faults>(*service_, *session_).healRequest();
    request.setId(id_.data());
    return request.send().wait(io_.waitScope);
  }
  auto kill(kj::StringPtr name) {
    auto request = offered<wire::Faults>(*service_, *session_).killRequest();
    request.setId(id_.data());
    auto processes = request.initProcesses();
    if (name.size() > 0) {
      processes.setName(name);
    } else {
      processes.setPid(child_);
    }
    return request.send().wait(io_.waitScope);
  }
  capnp::Response<wire::FaultView::ListResults> list() {
    return offered<wire::FaultView>(*service_, *session_).listRequest().send().wait(io_.waitScope);
  }
  void expectInvalid(const char* text, kj::Function<void(SpecBuilder)> change) {
    auto response = add(kj::mv(change));
    EXPECT_EQ(response.getError().getKind(), Kind::INVALID);
    EXPECT_THAT(response.getError().getText().cStr(), HasSubstr(text));
    EXPECT_EQ(list().getFaults().size(), 0u);
  }
  bool isStopped() const { return KJ_ASSERT_NONNULL(readProcess(child_)).state == 'T'; }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  support::CapturedLog log_;
  std::string directory_;
  pid_t child_ = -1;
  support::Id id_ = support::Id::random();
  TestHost place_{io_};
  kj::Own<Session> session_ = newSession(io_.provider->getTimer(), wire::Role::OPERATOR);
  kj::Own<AgentService> service_;
};

TEST_F(LocalFaultsTest, PauseIsActiveThenGone) {
  auto added = pause();
  ASSERT_FALSE(added.hasError()) << added.getError().getText().cStr();
  EXPECT_EQ(added.getStatus().getState(), State::ACTIVE);
  EXPECT_TRUE(isStopped());
  auto response = list();
  ASSERT_EQ(response.getFaults().size(), 1u);
  auto fault = response.getFaults()[0];
  EXPECT_THAT(fault.getText().cStr(), HasSubstr("pauses process "));
  EXPECT_THAT(fault.getWitness().cStr(), HasSubstr("1 of 1 threads stopped, of sleep"));
  EXPECT_EQ(pause().getStatus().getState(), State::ACTIVE) << "sent again, it is the same";
  EXPECT_FALSE(heal().hasError());
  EXPECT_FALSE(isStopped());
}

TEST_F(LocalFaultsTest, EndOfTheSessionLetsItGoOn) {
  pause();
  session_->end(EndReason::kExpired).wait(io_.waitScope);
  EXPECT_EQ(session_->leftovers().size(), 0u);
  EXPECT_FALSE(isStopped());
}

TEST_F(LocalFaultsTest, SuccessorOfAKilledKeeperLetsItGoOn) {
  pause();
  restart();
  EXPECT_FALSE(isStopped());
  EXPECT_EQ(list().getFaults().size(), 0u);
}

TEST_F(LocalFaultsTest, SuccessorTakesAHeldPauseOverAndEndsItInTime) {
  pause(kSecondNs);
  restart();
  EXPECT_TRUE(isStopped());
  ASSERT_EQ(list().getFaults().size(), 1u);
  io_.provider->getTimer().afterDelay(1200 * kj::MILLISECONDS).wait(io_.waitScope);
  EXPECT_EQ(list().getFaults().size(), 0u);
  EXPECT_FALSE(isStopped());
}

// After a boot the numbers of the record are those of other processes.
TEST_F(LocalFaultsTest, WhatABootHasEndedIsForgottenAndNotUndone) {
  pause(60 * kSecondNs);
  place_.host.bootId = "boot-2";
  restart();
  EXPECT_EQ(list().getFaults().size(), 0u);
  EXPECT_EQ(recordCount(directory_), 0u);
  EXPECT_TRUE(isStopped());
}

TEST_F(LocalFaultsTest, PauseThatSomebodyEndedIsAnError) {
  pause();
  ::kill(child_, SIGCONT);
  while (isStopped()) std::this_thread::yield();
  EXPECT_EQ(list().getFaults()[0].getState(), State::FAILED);
  EXPECT_THAT(heal().getError().getText().cStr(), HasSubstr("no more"));
}

TEST_F(LocalFaultsTest, KillSentAgainKillsNothing) {
  auto killed = kill("");
  ASSERT_EQ(killed.getKilled().size(), 1u) << killed.getError().getText().cStr();
  EXPECT_EQ(killed.getKilled()[0].getPid(), child_);
  pid_t first = child_;
  ::waitpid(child_, nullptr, 0);
  start();
  EXPECT_EQ(kill("").getKilled()[0].getPid(), first);
  EXPECT_FALSE(KJ_ASSERT_NONNULL(readProcess(child_)).hasEnded);
  id_ = support::Id::random();
  EXPECT_EQ(kill("no such name").getError().getKind(), Kind::NOT_FOUND);
  EXPECT_EQ(kill("a/b").getError().getKind(), Kind::INVALID);
}

TEST_F(LocalFaultsTest, NothingIsKilledWithoutARecord) {
  std::ofstream(directory_ + "/faults").put('x');
  auto killed = kill("");
  EXPECT_THAT(killed.getError().getText().cStr(), HasSubstr("write " + directory_ + "/faults/"));
  EXPECT_FALSE(KJ_ASSERT_NONNULL(readProcess(child_)).hasEnded);
  EXPECT_FALSE(isStopped());
}

// The process is in the middle of starting another, where no signal stops it. Meanwhile the state
// directory of the keeper is as one that is killed there leaves it.
TEST_F(LocalFaultsTest, SuccessorOfAKeeperThatWasKillingLetsTheProcessGoOn) {
  startUnstoppable();
  auto request = offered<wire::Faults>(*service_, *session_).killRequest();
  request.setId(id_.data());
  request.initProcesses().setPid(child_);
  auto killing = request.send();
  ASSERT_TRUE(becomesTrue([&] {
    io_.waitScope.poll();
    return recordCount(directory_) == 1 && isToldToStop();
  }));
  std::string left = directory_ + "/left";
  std::filesystem::create_directory(left);
  std::filesystem::copy(directory_ + "/faults", left + "/faults");
  place_.host.stateDirectory = left.c_str();
  auto next = makeNetfault(place_.host);
  offered<wire::FaultView>(*next, *session_).listRequest().send().wait(io_.waitScope);
  EXPECT_FALSE(isToldToStop());
  EXPECT_EQ(recordCount(left), 0u);
  // The first keeper lives in truth, and ends what it began.
  ::kill(child_, SIGSTOP);
  writeFifo();
  auto killed = killing.wait(io_.waitScope);
  EXPECT_EQ(killed.getKilled().size(), 1u) << killed.getError().getText().cStr();
  EXPECT_EQ(recordCount(directory_), 0u);
}

TEST_F(LocalFaultsTest, ValuesOutOfRangeAreRefused) {
  expectInvalid("processes: neither", [](SpecBuilder spec) { spec.initEffect().initPause(); });
  expectInvalid("pid: 0", [](SpecBuilder spec) { spec.initEffect().initPause().setPid(0); });
  expectInvalid("unit: ", [](SpecBuilder spec) { spec.initEffect().initPause().setUnit(""); });
  expectInvalid("leave: 1000001", [](SpecBuilder spec) {
    auto descriptors = spec.initEffect().initDescriptors();
    descriptors.initProcesses().setPid(7);
    descriptors.setLeave(1'000'001);
  });
  expectInvalid("threads: 0", [](SpecBuilder spec) { spec.initEffect().initCpu(); });
  expectInvalid("bytes: ",
                [](SpecBuilder spec) { spec.initEffect().initMemory().setBytes(UINT64_MAX); });
  expectInvalid("directory: ",
                [](SpecBuilder spec) { spec.initEffect().initFull().setDirectory("tmp"); });
  expectInvalid("directory: ",
                [](SpecBuilder spec) { spec.initEffect().initReadOnly().setDirectory("/a\nb"); });
  expectInvalid("interface: ",
                [](SpecBuilder spec) { spec.initEffect().initDown().setInterface("-f"); });
}

// A way to the agent that is cut must come back by itself.
TEST_F(LocalFaultsTest, OurInterfaceIsTakenDownForATimeOnly) {
  for (int64_t holdNs : {int64_t{0}, 601 * kSecondNs}) {
    expectInvalid("which evenOurs needs", [&](SpecBuilder spec) {
      spec.setHoldNs(holdNs);
      auto down = spec.initEffect().initDown();
      down.setInterface("mufa-none");
      down.setEvenOurs(true);
    });
  }
}

// The agent's own disk and directory are not touched, and a hog needs the agent's program.
TEST_F(LocalFaultsTest, AgentsOwnThingsAreRefused) {
  // No disk has that much free, so nothing would be written without the guard either.
  auto full = add([&](SpecBuilder spec) {
    auto disk = spec.initEffect().initFull();
    disk.setDirectory(directory_.c_str());
    disk.setLeave(uint64_t{1} << 61);
  });
  EXPECT_EQ(full.getError().getKind(), Kind::DENIED) << full.getError().getText().cStr();
  auto readOnly = add(
      [&](SpecBuilder spec) { spec.initEffect().initReadOnly().setDirectory(directory_.c_str()); });
  EXPECT_EQ(readOnly.getError().getKind(), Kind::DENIED) << readOnly.getError().getText().cStr();
  EXPECT_THAT(readOnly.getError().getText().cStr(), HasSubstr("the agent's state below it"));
  auto busy = add([](SpecBuilder spec) { spec.initEffect().initCpu().setThreads(1); });
  EXPECT_EQ(busy.getError().getKind(), Kind::UNSUPPORTED);
}

}  // namespace
}  // namespace nodeagent
