// Tries what /proc says of processes that the test makes, also in the middle of an exec.
#include "nodeagent/os/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <kj/debug.h>

#include "nodeagent/os/wait_testing.h"

namespace nodeagent {
namespace {

constexpr const char* kMark = "MUSTER_PROCESS_TEST=7";

// A child that starts `argv` with `environment`; killed and reaped in the end.
class Child {
 public:
  Child(const char* const* argv, const char* const* environment) {
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execve(argv[0], const_cast<char* const*>(argv), const_cast<char* const*>(environment));
      _exit(127);
    }
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }

  // Returns whether it begins another program than this test's within ten seconds.
  bool hasBegun() const {
    return becomesTrue([this] {
      KJ_IF_MAYBE (info, readProcess(pid_)) {
        return info->command != KJ_ASSERT_NONNULL(readProcess(getpid())).command;
      }
      return false;
    });
  }

 private:
  pid_t pid_ = 0;
};

TEST(ProcessTest, ReadsTheOwnProcess) {
  auto info = KJ_ASSERT_NONNULL(readProcess(getpid()));
  EXPECT_EQ(info.parent, getppid());
  EXPECT_EQ(info.session, getsid(0));
  EXPECT_EQ(info.state, 'R');
  EXPECT_GT(info.startTicks, 0u);
  EXPECT_FALSE(info.isOfKernel);
  EXPECT_TRUE(readProcess(0) == nullptr);
}

TEST(ProcessTest, TimeOfProcessorsGrowsWithWork) {
  uint64_t before = KJ_ASSERT_NONNULL(readProcess(getpid())).cpuTicks;
  EXPECT_TRUE(
      becomesTrue([&] { return KJ_ASSERT_NONNULL(readProcess(getpid())).cpuTicks > before + 2; }));
}

TEST(ProcessTest, NamesAreOfTheProgramOrItsFirstArgument) {
  const char* argv[] = {"/bin/sleep", "60", nullptr};
  const char* environment[] = {nullptr};
  Child child(argv, environment);
  ASSERT_TRUE(child.hasBegun());
  auto info = KJ_ASSERT_NONNULL(readProcess(child.pid()));
  auto names = kj::arr(kj::str("no such"), kj::str("sleep"));
  EXPECT_STREQ(KJ_ASSERT_NONNULL(nameAmong(info, names)).cStr(), "sleep");
  info.command = kj::str("other");
  EXPECT_TRUE(becomesTrue([&] { return nameAmong(info, names) != nullptr; }));
  EXPECT_TRUE(nameAmong(info, nullptr) == nullptr);
  EXPECT_TRUE(nameAmong(info, names.slice(0, 1)) == nullptr);
}

TEST(ProcessTest, NameHasNeitherSlashNorControlCharacter) {
  EXPECT_TRUE(isProcessName("a) (b c"));
  for (const char* wrong : {"", "/", "a/b", "a\n", "\x7f"}) EXPECT_FALSE(isProcessName(wrong));
  EXPECT_TRUE(isProcessName(kj::heapString(std::string(255, 'x').c_str())));
  EXPECT_FALSE(isProcessName(kj::heapString(std::string(256, 'x').c_str())));
}

// Its first thread has ended: the kernel calls it a zombie, and it lives.
TEST(ProcessTest, AProcessLivesAsLongAsOneOfItsThreads) {
  pid_t pid = fork();
  if (pid == 0) {
    std::thread([] { pause(); }).detach();
    syscall(SYS_exit, 0);  // Ends this thread alone.
  }
  auto stateIs = [pid](char state) {
    return becomesTrue([&] { return KJ_ASSERT_NONNULL(readProcess(pid)).state == state; });
  };
  EXPECT_TRUE(stateIs('Z'));
  EXPECT_FALSE(KJ_ASSERT_NONNULL(readProcess(pid)).hasEnded);
  EXPECT_TRUE(startedWithVariable(pid, "PATH=").orDefault(false));
  kill(pid, SIGKILL);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(readProcess(pid)).hasEnded);
  waitpid(pid, nullptr, 0);
}

TEST(ProcessTest, HoldersOfAPipeAreFound) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  char link[64] = {};
  ASSERT_GT(readlink(("/proc/self/fd/" + std::to_string(fds[0])).c_str(), link, sizeof(link) - 1),
            0);
  pid_t pids[] = {getpid(), 1, getppid()};
  auto holders = holdersOf(pids, link);
  ASSERT_EQ(holders.size(), 1u);
  EXPECT_EQ(holders[0], getpid());
  close(fds[0]);
  close(fds[1]);
}

// It starts itself again for ever, and so is often in the middle of an exec.
TEST(ProcessTest, VariableIsFoundDuringRepeatedExecs) {
  const char* argv[] = {"/bin/sh", "-c", "exec /bin/sh -c \"$0\" \"$0\"", "", nullptr};
  argv[3] = argv[2];
  const char* environment[] = {"PATH=/bin", kMark, nullptr};
  Child child(argv, environment);
  ASSERT_TRUE(child.hasBegun());
  pid_t pid = child.pid();
  int missed = 0;
  for (int look = 0; look < 5000; ++look) {
    if (allStartedWith(kj::arrayPtr(&pid, 1), kMark).found.empty()) ++missed;
  }
  EXPECT_EQ(missed, 0);
}

TEST(ProcessTest, VariableBehindALargeEnvironmentIsFound) {
  const char* argv[] = {"/bin/sleep", "1000", nullptr};
  std::string filler = "FILLER=" + std::string(100'000, 'x');
  std::vector<const char*> environment(18, filler.c_str());  // Nearly as much as may be passed.
  environment.push_back(kMark);
  environment.push_back(nullptr);
  Child child(argv, environment.data());
  ASSERT_TRUE(child.hasBegun());
  pid_t pid = child.pid();
  EXPECT_EQ(allStartedWith(kj::arrayPtr(&pid, 1), kMark).found.count(pid), 1u);
  EXPECT_TRUE(allStartedWith(kj::arrayPtr(&pid, 1), "MUSTER_PROCESS_TEST=8").found.empty());
}

// The child of vfork runs in its parent's memory, and the parent waits for it uninterruptibly.
TEST(ProcessTest, MemoryOfAnUninterruptibleProcessIsNotRead) {
  pid_t pid = fork();
  if (pid == 0) {
    if (vfork() == 0) {
      for (;;) pause();
    }
    _exit(0);
  }
  EXPECT_TRUE(becomesTrue([pid] { return KJ_ASSERT_NONNULL(readProcess(pid)).state == 'D'; }));
  EXPECT_TRUE(startedWithVariable(pid, "PATH=") == nullptr);
  auto children = KJ_ASSERT_NONNULL(childrenOf(pid));
  ASSERT_EQ(children.size(), 1u);
  EXPECT_TRUE(startedWithVariable(children[0], "PATH=").orDefault(false));
  kill(children[0], SIGKILL);
  waitpid(pid, nullptr, 0);
}

TEST(ProcessTest, AProcessWithoutEnvironmentIsKnownToHaveNone) {
  const char* argv[] = {"/bin/sleep", "1000", nullptr};
  const char* none[] = {nullptr};
  Child child(argv, none);
  ASSERT_TRUE(child.hasBegun());
  // It may still be on its way into its program for a moment.
  kj::Maybe<bool> started;
  for (int look = 0; look < 10000 && started == nullptr; ++look)
    started = startedWithVariable(child.pid(), kMark);
  EXPECT_FALSE(KJ_ASSERT_NONNULL(started));
}

TEST(ProcessTest, GoneProcessAndZombieHaveNoVariables) {
  const char* argv[] = {"/bin/true", nullptr};
  const char* environment[] = {kMark, nullptr};
  Child child(argv, environment);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(KJ_ASSERT_NONNULL(startedWithVariable(child.pid(), kMark)));
  EXPECT_FALSE(KJ_ASSERT_NONNULL(startedWithVariable(0, kMark)));
}

}  // namespace
}  // namespace nodeagent
