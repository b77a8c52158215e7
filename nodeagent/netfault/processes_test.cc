// Tries the choice of processes, their stop and their end on children of the test.
#include "nodeagent/netfault/processes.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/os/process.h"
#include "nodeagent/os/wait_testing.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;
using ::testing::HasSubstr;
using ::testing::Not;

// Children whose argv[0] is a name that nothing else on the machine has.
class ProcessesTest : public ::testing::Test {
 protected:
  ~ProcessesTest() override {
    for (pid_t child : children_) {
      ::kill(child, SIGKILL);
      // A shell leaves what it waits for.
      ::kill(-child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
  }

  const std::string& name() const { return name_; }

  pid_t start(const std::string& script = "sleep 60") {
    pid_t child = ::fork();
    if (child == 0) {
      ::setpgid(0, 0);
      ::execl("/bin/sh", name().c_str(), "-c", (script + "; true").c_str(), nullptr);
      ::_exit(127);
    }
    if (child < 0) throw std::runtime_error("fork failed");
    children_.push_back(child);
    while (named(child).size() == 0) std::this_thread::yield();
    return child;
  }
  // The child, if it has its name already.
  kj::Vector<ProcessRef> named(pid_t child) {
    kj::Vector<ProcessRef> same;
    for (auto& process : findProcesses(choice())) {
      if (process.pid == child) same.add(kj::mv(process));
    }
    return same;
  }

  // Waits until the shell has made its child, which has the shell's name until it runs its program.
  static void awaitSleeper(pid_t shell) {
    auto sleeps = [](pid_t pid) {
      auto name = commandOf(pid);
      KJ_IF_MAYBE (found, name) return *found == "sleep";
      return false;
    };
    for (;;) {
      auto children = childrenOf(shell);
      KJ_IF_MAYBE (found, children) {
        if (std::any_of(found->begin(), found->end(), sleeps)) return;
      }
      std::this_thread::yield();
    }
  }

  ProcessChoice choice() const { return {ProcessChoice::By::kName, kj::str(name().c_str()), 0}; }
  static ProcessChoice choiceOf(pid_t pid) { return {ProcessChoice::By::kPid, kj::String(), pid}; }
  static LocalSpec spec(kj::StringPtr kind, ProcessChoice processes, uint32_t leave = 0) {
    return {kind, kj::mv(processes), leave};
  }
  static char stateOf(pid_t pid) {
    auto process = readProcess(pid);
    KJ_IF_MAYBE (found, process) return found->state;
    return '-';
  }
  // Begins an effect and returns the text by which it is undone.
  static kj::String begin(const LocalSpec& spec) {
    kj::String place;
    RememberPlace remember = [&](kj::String text) { place = kj::mv(text); };
    beginLocal(spec, LocalHost(), remember);
    return place;
  }
  static RememberProcesses forgetting() {
    return [](kj::ArrayPtr<const ProcessRef>) {};
  }
  template <typename Call>
  static std::string whyRefused(Call&& call, Kind kind) {
    auto thrown = kj::runCatchingExceptions([&]() { call(); });
    KJ_IF_MAYBE (exception, thrown) {
      auto failure = support::toFailure(*exception, "test");
      EXPECT_EQ(failure.kind, kind) << failure.text.cStr();
      return failure.text.cStr();
    }
    return "";
  }

  // Children have it too.
  const std::string name_ = "mufa" + std::to_string(::getpid());
  std::vector<pid_t> children_;
};

TEST_F(ProcessesTest, PausedProcessesStandStillAndGoOn) {
  pid_t first = start();
  pid_t second = start();
  awaitSleeper(first);
  awaitSleeper(second);
  auto place = begin(spec("pause", choice()));
  EXPECT_EQ(stateOf(first), 'T');
  EXPECT_EQ(stateOf(second), 'T');
  EXPECT_TRUE(readLocal(place).isWorking);
  EXPECT_THAT(readLocal(place).witness.cStr(), HasSubstr("2 of 2 threads stopped"));
  EXPECT_TRUE(removeLocal(place).isThere);
  EXPECT_NE(stateOf(first), 'T');
  EXPECT_NE(stateOf(second), 'T');
}

// Its child is stopped as often as not while it waits for it to run the program (vfork).
TEST_F(ProcessesTest, ProcessThatStartsOthersIsPausedAtAnyMoment) {
  pid_t child = start("while :; do /bin/true; done");
  for (int i = 0; i < 30; ++i) {
    auto place = begin(spec("pause", choice()));
    EXPECT_EQ(stateOf(child), 'T');
    EXPECT_TRUE(removeLocal(place).isThere);
  }
}

TEST_F(ProcessesTest, ProcessThatCannotBeLookedAtHasNotEnded) {
  start();
  auto processes = findProcesses(choice());
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none{0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::string reason = whyRefused([&]() { lookAt(processes[0]); }, Kind::SYSTEM);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(reason, HasSubstr("is there, and cannot be looked at"));
}

TEST_F(ProcessesTest, EveryThreadIsCounted) {
  pid_t child = ::fork();
  if (child == 0) {
    ::execl("/usr/bin/python3", name().c_str(), "-c",
            "import threading, time\nfor i in range(7): "
            "threading.Thread(target=time.sleep, args=(60,)).start()",
            nullptr);
    ::_exit(127);
  }
  children_.push_back(child);
  auto threads = [&]() {
    auto process = readProcess(child);
    KJ_IF_MAYBE (found, process) return found->threads;
    return 0;
  };
  while (threads() < 8) std::this_thread::yield();
  auto place = begin(spec("pause", choiceOf(child)));
  EXPECT_THAT(readLocal(place).witness.cStr(), HasSubstr("8 of 8 threads stopped"));
  removeLocal(place);
}

TEST_F(ProcessesTest, ProcessThatSomebodyContinuedIsNotPausedAnyMore) {
  pid_t child = start();
  auto place = begin(spec("pause", choice()));
  ::kill(child, SIGCONT);
  while (stateOf(child) == 'T') std::this_thread::yield();
  EXPECT_FALSE(readLocal(place).isWorking);
  EXPECT_FALSE(removeLocal(place).isThere);
}

// Its number may be another's by then, and the time of the start tells them apart.
TEST_F(ProcessesTest, LaterProcessOfTheSameNumberIsLeftAlone) {
  pid_t child = start();
  ::kill(child, SIGSTOP);
  while (stateOf(child) != 'T') std::this_thread::yield();
  auto refs = findProcesses(choice());
  ++refs[0].startTicks;
  EXPECT_FALSE(signalProcess(refs[0], SIGCONT));
  EXPECT_FALSE(lookAt(refs[0]).isThere);
  EXPECT_TRUE(continueProcesses(refs));
  EXPECT_EQ(stateOf(child), 'T');
}

TEST_F(ProcessesTest, StoppedProcessIsNotPausedTwice) {
  start();
  auto place = begin(spec("pause", choice()));
  EXPECT_THAT(whyRefused([&]() { begin(spec("pause", choice())); }, Kind::CONFLICT),
              HasSubstr("is stopped already"));
  EXPECT_TRUE(removeLocal(place).isThere);
}

TEST_F(ProcessesTest, KilledProcessesEndAndMakeNoOthers) {
  pid_t child = start("while :; do sleep 0.001 & done");
  auto killed = killProcesses(choice(), forgetting());
  ASSERT_GE(killed.size(), 1u);
  EXPECT_FALSE(lookAt(killed[0]).isThere);
  EXPECT_EQ(findProcesses(choice()).size(), 0u);
  // Those that it made may have lower numbers, since the kernel begins again at the greatest.
  auto isChild = [child](const ProcessRef& each) { return each.pid == child; };
  EXPECT_TRUE(std::any_of(killed.begin(), killed.end(), isChild));
  EXPECT_THAT(whyRefused([&]() { killProcesses(choice(), forgetting()); }, Kind::NOT_FOUND),
              HasSubstr("the node has no processes named " + name()));
}

// An agent that is killed meanwhile would leave them stopped.
TEST_F(ProcessesTest, ProcessesToKillAreRememberedBeforeTheyAreStopped) {
  pid_t child = start();
  std::vector<std::pair<size_t, char>> calls;
  killProcesses(choiceOf(child), [&](kj::ArrayPtr<const ProcessRef> stopped) {
    calls.emplace_back(stopped.size(), stateOf(child));
  });
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].first, 1u);
  EXPECT_NE(calls[0].second, 'T');
  EXPECT_EQ(calls[1], std::make_pair(size_t{0}, 'Z'));
}

TEST_F(ProcessesTest, WhatCannotBeRememberedIsNeitherStoppedNorKilled) {
  pid_t child = start();
  auto kill = [&]() {
    killProcesses(choiceOf(child), [](kj::ArrayPtr<const ProcessRef> stopped) {
      if (stopped.size() > 0) support::fail(Kind::SYSTEM, "no space left");
    });
  };
  EXPECT_EQ(whyRefused(kill, Kind::SYSTEM), "no space left");
  EXPECT_THAT(stateOf(child), ::testing::AnyOf('S', 'R', 'D'));
}

TEST_F(ProcessesTest, AgentAndItsAncestorsAreRefused) {
  // No process can open that many more files, so nothing would come of it without the guard either.
  constexpr uint32_t kNever = 1'000'000;
  for (pid_t own : {::getpid(), ::getppid(), 1}) {
    EXPECT_THAT(
        whyRefused([&]() { begin(spec("descriptors", choiceOf(own), kNever)); }, Kind::DENIED),
        HasSubstr("is left alone"));
  }
  // A process of the same program, as the front and the keeper are.
  pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  children_.push_back(child);
  EXPECT_THAT(whyRefused([&]() { killProcesses(choiceOf(child), forgetting()); }, Kind::DENIED),
              HasSubstr("is left alone"));
  EXPECT_NE(stateOf(child), 'T');
}

// A job that was started just now is a copy of its agent until it runs its own program.
TEST_F(ProcessesTest, CopyOfTheAgentThatRunsItsOwnProgramSoonIsFound) {
  pid_t child = ::fork();
  if (child == 0) {
    auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (std::chrono::steady_clock::now() < later) std::this_thread::yield();
    ::execl("/bin/sleep", "sleep", "60", nullptr);
    ::_exit(127);
  }
  children_.push_back(child);
  auto found = findProcesses(choiceOf(child));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_STREQ(found[0].name.cStr(), "sleep");
}

TEST_F(ProcessesTest, DescriptorsAreUsedUpAndGivenBack) {
  pid_t child = start("exec 7</dev/null; while :; do sleep 0.01; done");
  while (::access(("/proc/" + std::to_string(child) + "/fd/7").c_str(), F_OK) != 0) {
    std::this_thread::yield();
  }
  rlimit before{}, now{};
  ::prlimit(child, RLIMIT_NOFILE, nullptr, &before);
  // 0, 1, 2 and 7 are open, and perhaps what the test has: the three lowest free ones are left.
  auto place = begin(spec("descriptors", choice(), 3));
  ::prlimit(child, RLIMIT_NOFILE, nullptr, &now);
  EXPECT_GE(now.rlim_cur, 6u);
  EXPECT_LT(now.rlim_cur, before.rlim_cur);
  EXPECT_EQ(now.rlim_max, before.rlim_max);
  EXPECT_TRUE(readLocal(place).isWorking);
  EXPECT_TRUE(removeLocal(place).isThere);
  ::prlimit(child, RLIMIT_NOFILE, nullptr, &now);
  EXPECT_EQ(now.rlim_cur, before.rlim_cur);
}

// The limit that somebody has set since stays.
TEST_F(ProcessesTest, ForeignLimitStays) {
  pid_t child = start();
  auto place = begin(spec("descriptors", choice(), 0));
  rlimit now{};
  ::prlimit(child, RLIMIT_NOFILE, nullptr, &now);
  now.rlim_cur = 99;
  ::prlimit(child, RLIMIT_NOFILE, &now, nullptr);
  EXPECT_FALSE(readLocal(place).isWorking);
  EXPECT_FALSE(removeLocal(place).isThere);
  ::prlimit(child, RLIMIT_NOFILE, nullptr, &now);
  EXPECT_EQ(now.rlim_cur, 99u);
}

TEST_F(ProcessesTest, LinesAreReadBack) {
  auto lines = kj::arr(kj::str("812 99 a name"), kj::str("x"), kj::str("1 5 init"), kj::str("7 "));
  auto processes = processesIn(lines);
  ASSERT_EQ(processes.size(), 1u);
  EXPECT_STREQ(lineOf(processes[0]).cStr(), "812 99 a name");
  EXPECT_FALSE(isLocalPlace("eth0"));
  EXPECT_TRUE(isLocalPlace(placeText("pause", nullptr)));
  EXPECT_FALSE(readLocal(placeText("pause", nullptr)).isThere);
  EXPECT_THAT(whyRefused([&]() { readLocal("newer\n"); }, Kind::UNSUPPORTED), HasSubstr("newer"));
}

}  // namespace
}  // namespace nodeagent::netfault
