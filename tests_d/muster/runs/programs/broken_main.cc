// A test program each of whose tests tries to look green without being so, which test_green.cc
// runs (docs/reference/green.md).
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>

#include <muster/muster.h>

namespace {

using namespace std::chrono_literals;

TEST(Plain, Passes) {}
TEST(Plain, Fails) {
  FAIL() << "as it should";
}
TEST(Plain, Skips) {
  GTEST_SKIP() << "not today";
}
TEST(Plain, CannotBeTried) {
  FAIL() << "infrastructure: no disk";
}

TEST(Exits, ByExit) {
  std::exit(0);
}
TEST(Exits, AtOnce) {
  ::_exit(0);
}
TEST(Exits, Quickly) {
  std::quick_exit(0);
}
TEST(Exits, ByExec) {
  ::execl("/bin/true", "true", nullptr);
}
TEST(Exits, ByASystemCall) {
  ::syscall(SYS_exit_group, 0);
}
TEST(Exits, Passes) {}

TEST(Crashes, BySignal) {
  ::raise(SIGSEGV);
}
__attribute__((noinline)) void abortNow() {
  std::abort();
}
TEST(Crashes, InAThread) {
  std::thread([] { abortNow(); }).join();
}
__attribute__((noinline)) int recurse(volatile char* before) {
  volatile char local[1024];
  local[0] = before[0];
  if (local[0] != 0) return 0;
  return recurse(local) + local[0];
}
TEST(Crashes, ByRecursion) {
  volatile char first = 0;
  recurse(&first);
}
// Its child crashes, and the test passes.
TEST(Children, Crash) {
  pid_t child = ::fork();
  if (child == 0) std::abort();
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}
TEST(Crashes, ByKill) {
  ::kill(::getpid(), SIGKILL);
}
TEST(Crashes, Passes) {}

TEST(Hangs, ForEver) {
  for (;;) ::pause();
}
__attribute__((noinline)) void lockTwice() {
  static std::mutex mutex;
  mutex.lock();
  mutex.lock();
}
TEST(Hangs, InAMutex) {
  std::thread([] {
    ::pthread_setname_np(::pthread_self(), "bystander");
    for (;;) ::pause();
  }).detach();
  std::ofstream{std::string(std::getenv("BROKEN_DIRECTORY")) + "/waits"} << ::getpid();
  lockTwice();
}
__attribute__((noinline)) void turn() {
  for (volatile bool goesOn = true; goesOn;) {
  }
}
class HangsWithNodes : public muster::ClusterTest {
 public:
  static muster::Needs needs() { return {.nodes = {{"server", 1}}}; }
};
TEST_F(HangsWithNodes, InALoop) {
  turn();
}

TEST(Threads, Expect) {
  std::thread([] { EXPECT_TRUE(false) << "seen by nobody"; }).join();
}

// These are the listeners that gtest gives away: what prints, and what writes the XML.
TEST(Listeners, AreRemoved) {
  testing::TestEventListeners& all = testing::UnitTest::GetInstance()->listeners();
  delete all.Release(all.default_result_printer());
  delete all.Release(all.default_xml_generator());
  FAIL() << "not printed";
}

TEST(Output, IsClosed) {
  ::close(1);
  ::close(2);
  FAIL() << "nobody sees it";
}
TEST(Output, HasTheMarkOfASkip) {
  std::cout << "[  SKIPPED ] Another.Test (0 ms)" << std::endl;
  FAIL() << "not skipped";
}
TEST(Output, IsLarge) {
  std::cout << std::string(8 << 20, 'x') << std::endl;
}

class SetUpFails : public testing::Test {
 protected:
  static void SetUpTestSuite() { FAIL() << "no set-up"; }
};
TEST_F(SetUpFails, Body) {}

class SetUpSkips : public testing::Test {
 protected:
  static void SetUpTestSuite() { GTEST_SKIP() << "not here"; }
};
TEST_F(SetUpSkips, Body) {}

class TearDownFails : public testing::Test {
 protected:
  static void TearDownTestSuite() { ADD_FAILURE() << "disk left"; }
};
TEST_F(TearDownFails, Body) {}

// Passes the second time: the file is there then.
TEST(Flaky, PassesTheSecondTime) {
  std::string path = std::string(std::getenv("BROKEN_DIRECTORY")) + "/tried";
  bool isSecond = std::ifstream(path).good();
  std::ofstream{path} << "yes";
  EXPECT_TRUE(isSecond);
}

TEST(Flaky, FailsTheSecondTime) {
  std::string path = std::string(std::getenv("BROKEN_DIRECTORY")) + "/passed";
  bool isSecond = std::ifstream(path).good();
  std::ofstream{path} << "yes";
  EXPECT_FALSE(isSecond);
}

// The clock of the process is that of a file (libfaketime).
TEST(Clock, JumpsBack) {
  auto begin = std::chrono::system_clock::now();
  std::ofstream{std::getenv("FAKETIME_TIMESTAMP_FILE")} << "-1d";
  EXPECT_LT(std::chrono::system_clock::now(), begin) << "the clock has not jumped";
}

TEST(Probes, IsMet) {
  MUSTER_SOMETIMES(true, "true at times");
}
TEST(Probes, IsMissed) {
  MUSTER_SOMETIMES(std::getenv("BROKEN_PROBE") != nullptr, "true by the environment");
  if (std::getenv("BROKEN_PROBE") != nullptr) MUSTER_REACHABLE("reached by the environment");
}

// What is stopped answers no more, and nobody starts it again before the test has failed. It goes
// on then, so that the tear-down need not find out once more that it does not answer.
class NodeIsLost : public muster::ClusterTest {
 public:
  static muster::Needs needs() { return {.nodes = {{"server", 1}}}; }

 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    // The agent must have answered before it is stopped.
    muster::Process killer = servers()[0].start(
        {"sh", "-c",
         "until [ -e /run/muster/started ]; do sleep 0.05; done; pkill -STOP -x nodeagent; "
         "until [ -e /run/muster/failed ]; do sleep 0.05; done; pkill -CONT -x nodeagent"});
    tell("started");
    servers()[0].awaitDisconnected(30s);
    ADD_FAILURE() << "the server does not answer";
    tell("failed");
  }

 private:
  // The node sees its directory of this machine, in which somebody else can leave it a file.
  static void tell(const std::string& what) {
    std::ofstream("/run/muster/" + cluster().name() + "/n/" + servers()[0].name() + "/" + what)
        << "";
  }
};
TEST_F(NodeIsLost, Body) {}

// Takes long enough to be looked at.
TEST(Long, Waits) {
  std::ofstream{std::string(std::getenv("BROKEN_DIRECTORY")) + "/waits"} << ::getpid();
  EXPECT_THAT([] { return false; }, muster::Eventually(testing::IsTrue(), 60s));
}
TEST(Long, Passes) {}

}  // namespace
