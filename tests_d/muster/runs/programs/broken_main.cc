// A test program each of whose tests tries to look green without being so, which test_green.cc
// runs.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
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
TEST(Crashes, InAThread) {
  std::thread([] { std::abort(); }).join();
}
TEST(Crashes, ByKill) {
  ::kill(::getpid(), SIGKILL);
}
TEST(Crashes, Passes) {}

TEST(Hangs, ForEver) {
  for (;;) ::pause();
}

// Whoever removes listeners also removes what keeps the record.
TEST(Listeners, AreRemoved) {
  testing::TestEventListeners& all = testing::UnitTest::GetInstance()->listeners();
  while (testing::TestEventListener* one = all.default_result_printer()) all.Release(one);
}

TEST(Output, IsClosed) {
  ::close(1);
  ::close(2);
  FAIL() << "nobody sees it";
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

// Takes long enough to be looked at.
TEST(Long, Waits) {
  std::ofstream{std::string(std::getenv("BROKEN_DIRECTORY")) + "/waits"} << ::getpid();
  EXPECT_THAT([] { return false; }, muster::Eventually(testing::IsTrue(), 60s));
}
TEST(Long, Passes) {}

}  // namespace
